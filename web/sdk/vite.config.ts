import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    // Not Vite's mode for libraries: that leaves the white space in.
    modulePreload: false,
    rollupOptions: {
      input: { index: "src/index.ts", uploads: "src/uploads/index.ts", react: "src/react/index.ts" },
      external: /^react/,
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
  // Real requests are waited for, also on a busy machine.
  test: { testTimeout: 30_000, expect: { poll: { timeout: 10_000 } } },
});
