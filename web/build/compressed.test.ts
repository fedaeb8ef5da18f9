import { gunzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { expect, it } from "vitest";
import { compressed } from "./compressed";

/** A page of one script, one style and one picture, built. */
async function built(): Promise<Record<string, Buffer>> {
  const sources: Record<string, string> = {
    "/page.js": 'import "/page.css"; document.title = "page";',
    "/page.css": "body { color: red }",
  };
  const inMemory = {
    name: "in-memory",
    resolveId: (id: string) => (id in sources ? id : null),
    load: (id: string) => sources[id] ?? null,
    buildStart(this: Rollup.PluginContext) {
      this.emitFile({ type: "asset", fileName: "assets/a.png", source: new Uint8Array([1, 2, 3]) });
    },
  };
  const { output } = (await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, rollupOptions: { input: "/page.js" } },
    plugins: [inMemory, compressed()],
  })) as Rollup.RollupOutput;
  return Object.fromEntries(
    output.map((file) => [file.fileName, Buffer.from(file.type === "chunk" ? file.code : file.source)]),
  );
}

it("stores text gzip'd only, and everything else as it is", async () => {
  const files = await built();
  const names = Object.keys(files).map((name) => name.replace(/-[\w-]{8}/, "-<hash>"));
  expect(names.sort()).toEqual(["assets/a.png", "assets/page-<hash>.css.gz", "assets/page-<hash>.js.gz"]);
  const text = (ending: string) => {
    const [, packed] = Object.entries(files).find(([name]) => name.endsWith(ending)) as [string, Buffer];
    return gunzipSync(packed).toString();
  };
  expect(text(".css.gz")).toContain("color:red");
  expect(text(".js.gz")).toContain('document.title="page"');
});

it("gives the same bytes at any time, on any system", async () => {
  const [first, second] = [await built(), await built()];
  expect(second).toEqual(first);
  for (const [name, bytes] of Object.entries(first)) {
    if (name.endsWith(".gz")) expect([...bytes.subarray(4, 8), bytes[9]]).toEqual([0, 0, 0, 0, 255]);
  }
});
