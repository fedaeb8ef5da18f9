import { gzipSync } from "node:zlib";
import type { Plugin, Rollup } from "vite";

/** What a first load may weigh, in bytes on the wire: 280 KB. */
const FIRST_LOAD = 280_000;

/**
 * Measures what a browser loads before it can show a page, and fails the build where that is too much: the entry, the
 * page that it shows first (`first`, the end of its module's id), all that the two import, their styles and the font.
 */
export function budget(first: string): Plugin {
  return {
    name: "groundcrew:budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const outputs = Object.values(bundle);
      const chunks = outputs.filter((output) => output.type === "chunk");
      const begin = chunks.filter(({ isEntry, facadeModuleId }) => isEntry || facadeModuleId?.endsWith(first));
      const names = closure(begin, bundle);
      const fonts = outputs.filter(({ fileName }) => fileName.endsWith(".woff2"));
      const parts = [
        ...[...names].map((name) => wire(bundle[name])),
        ...fonts.map((font) => (font.type === "asset" ? font.source.length : 0)),
      ];
      const total = parts.reduce((sum, bytes) => sum + bytes, 0);
      const said = `first load: ${(total / 1000).toFixed(1)} KB of ${FIRST_LOAD / 1000} KB, in ${parts.length} files`;
      if (begin.length < 2) this.error(`no chunk holds the first page, ${first}`);
      if (total > FIRST_LOAD) this.error(said);
      console.info(said);
    },
  };
}

function closure(begin: Rollup.OutputChunk[], bundle: Rollup.OutputBundle): Set<string> {
  const names = new Set<string>();
  const pending: Rollup.OutputChunk[] = [...begin];
  for (let chunk = pending.pop(); chunk; chunk = pending.pop()) {
    if (names.has(chunk.fileName)) continue;
    names.add(chunk.fileName);
    for (const style of chunk.viteMetadata?.importedCss ?? []) names.add(style);
    for (const name of chunk.imports) {
      const imported = bundle[name];
      if (imported?.type === "chunk") pending.push(imported);
    }
  }
  return names;
}

function wire(output: Rollup.OutputBundle[string] | undefined): number {
  if (!output) return 0;
  return gzipSync(output.type === "chunk" ? output.code : output.source, { level: 9 }).length;
}
