import { expect, it } from "vitest";
import { basePath, readSettings } from "./settings";

function page(html: string): Document {
  return new DOMParser().parseFromString(html, "text/html");
}

it("reads what the server wrote into the page", () => {
  const filled = page('<script type="application/json" id="settings">{"api": "/api", "stage": "prod"}</script>');
  expect(readSettings(filled)).toMatchObject({ api: "/api", stage: "prod" });
});

it("says so when no server filled the page in", () => {
  expect(() => readSettings(page('<script id="settings"> </script>'))).toThrow("no settings");
  expect(() => readSettings(page(""))).toThrow("no settings");
});

it("takes the path from the base, whatever stands before it", () => {
  const parsed = page("");
  const base = parsed.createElement("base");
  base.href = "https://x.example/api/console/";
  parsed.head.append(base);
  expect(basePath(parsed)).toBe("/api/console");
});
