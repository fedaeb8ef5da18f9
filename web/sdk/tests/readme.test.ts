import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const readme = readFileSync("README.md", "utf8");

it.each(readdirSync("examples"))("shows %s as it is, which the compiler has checked", (name) => {
  expect(readme).toContain(readFileSync(`examples/${name}`, "utf8"));
});
