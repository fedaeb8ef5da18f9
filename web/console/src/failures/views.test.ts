import { expect, it } from "vitest";
import { pace, searchOf } from "./views";

it("leads to another report of the same window and project", () => {
  expect(searchOf("?project=2&hours=168&view=feed&severity=INFO&dimension=a", "errors", "POST /pay|x")).toBe(
    "?project=2&hours=168&view=errors&dimension=POST+%2Fpay%7Cx",
  );
  expect(searchOf("?view=users&dimension=a", undefined)).toBe("?");
});

it.each([
  [24, 30],
  [720, 90],
  [2160, 270],
])("looks at a report of %d hours every %d s", (hours, seconds) => {
  expect(pace(hours)).toBe(seconds);
});
