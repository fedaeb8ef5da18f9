import { expect, it } from "vitest";
import { percent, took } from "./figures";

it.each([
  [0, "0%"],
  [0.0004, "<0.1%"],
  [0.021, "2.1%"],
  [0.02, "2%"],
  [0.1234, "12%"],
  [0.996, "99.6%"],
  [0.9996, ">99.9%"],
  [1, "100%"],
])("a share of %d is %s", (share, said) => {
  expect(percent(share)).toBe(said);
});

it.each([
  [null, "–"],
  [0.42, "0.4 ms"],
  [340.4, "340 ms"],
  [999.6, "1 s"],
  [1534, "1.53 s"],
  [30_550, "30.6 s"],
  [61_000, "61 s"],
])("%d ms are %s", (milliseconds, said) => {
  expect(took(milliseconds)).toBe(said);
});
