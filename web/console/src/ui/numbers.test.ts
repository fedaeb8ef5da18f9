import { expect, it } from "vitest";
import { bytes, compact } from "./numbers";

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 KB"],
  [1_540_000, "1.5 MB"],
  [999_600, "1.0 MB"],
  [240_000_000, "240 MB"],
  [2_000_000_000, "2.0 GB"],
])("%d bytes are %s", (number, said) => {
  expect(bytes(number)).toBe(said);
});

it.each([
  [7, "7"],
  [1234, "1.2K"],
  [34_000_000, "34M"],
])("%d is short for %s", (number, said) => {
  expect(compact(number)).toBe(said);
});
