import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { expect, it } from "vitest";

const MOST_BYTES = 4_096;

it("costs a page that reports at most 4 KB, as built", async () => {
  const { output } = (await build({ logLevel: "silent", build: { write: false } })) as Rollup.RollupOutput;
  const chunks = output.filter((file) => file.type === "chunk");
  const core = chunks.find(({ isEntry, name }) => isEntry && name === "index");
  const loaded = chunks.filter((chunk) => chunk === core || core?.imports.includes(chunk.fileName));
  expect(core?.imports.filter((name) => !chunks.some(({ fileName }) => fileName === name))).toEqual([]);
  const bytes = loaded.map(({ code }) => gzipSync(code, { level: 9 }).length);
  expect(bytes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(MOST_BYTES);
});
