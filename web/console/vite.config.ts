import { defineConfig } from "vitest/config";
import { compressed } from "../build/compressed";
import { budget } from "./budget";

export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic" },
  build: {
    outDir: "../../chalicelib/console/static/console",
    emptyOutDir: true,
    // Assets are counted and compressed one by one, so none hides in another.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      onwarn(warning, warn) {
        // Libraries mark what runs in a browser alone, as everything does here.
        if (warning.code !== "MODULE_LEVEL_DIRECTIVE") warn(warning);
      },
    },
  },
  plugins: [budget("/src/incidents/IncidentsPage.tsx"), compressed()],
  test: {
    restoreMocks: true,
    // Files share a page: making one, and loading Mantine into it, takes longer than what most of them do.
    poolOptions: { forks: { singleFork: true, isolate: false } },
    projects: [
      // What needs no page is tested without one, which is many times faster.
      { extends: true, test: { name: "logic", include: ["src/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "page",
          include: ["src/**/*.test.tsx"],
          environment: "jsdom",
          setupFiles: "./src/testing.ts",
        },
      },
    ],
  },
});
