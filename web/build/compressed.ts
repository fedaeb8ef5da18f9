import { constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(?:css|js|json|map|svg|txt)$/;
const SYSTEM_BYTE = 9;
const UNKNOWN_SYSTEM = 255;

/**
 * Stores the text assets of a build gzip'd only, as `<name>.gz`; the server sends them with `Content-Encoding: gzip`.
 * `index.html` stays as it is, because the server fills in its settings. The same sources give the same bytes everywhere.
 */
export function compressed(): Plugin {
  return {
    name: "groundcrew:compressed",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [name, output] of Object.entries(bundle)) {
          if (!TEXT.test(name)) continue;
          delete bundle[name];
          this.emitFile({
            type: "asset",
            fileName: `${name}.gz`,
            source: gzipped(output.type === "chunk" ? output.code : output.source),
          });
        }
      },
    },
  };
}

function gzipped(content: string | Uint8Array): Uint8Array {
  const bytes = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });
  // zlib writes no time, but names the system that it runs on.
  bytes[SYSTEM_BYTE] = UNKNOWN_SYSTEM;
  return bytes;
}
