import { defaultClientConditions } from "vite";
import { defineConfig } from "vitest/config";
import { compressed } from "../build/compressed";

export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic" },
  // The SDK as it is written, not as it was last built.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  build: {
    outDir: "../../chalicelib/console/static/demo",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  plugins: [compressed()],
  test: { include: ["src/**/*.test.ts?(x)", "../build/*.test.ts"], testTimeout: 30_000 },
});
