import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";

const core = createRequire(import.meta.url)
  .resolve("@mantine/core/styles.css")
  .replace(/styles\.css$/, "styles/");

it("loads the styles of every component that a page uses", () => {
  const loaded = readFileSync("src/mantine.css", "utf8");
  const names = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"));
  const sources = names.map((name) => readFileSync(`src/${name}`, "utf8"));
  const imports = sources.flatMap((source) => source.match(/import \{[^}]+\} from "@mantine\/core"/g) ?? []);
  const used = new Set(imports.flatMap((line) => line.match(/\b[A-Z]\w+/g) ?? []));
  const unstyled = [...used].filter((name) => existsSync(`${core}${name}.css`) && !loaded.includes(`/${name}.css"`));
  expect(used).toContain("Button");
  expect(unstyled).toEqual([]);
});
