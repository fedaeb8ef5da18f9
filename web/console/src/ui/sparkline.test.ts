import { expect, it } from "vitest";
import { bars, path } from "./sparkline";

it("draws the most as high as the box, and the others in proportion", () => {
  expect(bars([10, 5, 0], 24)).toEqual([
    { x: 0, y: 0, height: 24 },
    { x: 1, y: 12, height: 12 },
    { x: 2, y: 24, height: 0 },
  ]);
});

it("shows one among thousands", () => {
  expect(bars([1, 5000], 24)[0]?.height).toBe(1.5);
});

it("does not make a peak of a lone report", () => {
  expect(bars([1, 0], 24)[0]?.height).toBe(6);
});

it("draws nothing where there was nothing", () => {
  expect(path(Array(24).fill(0), 24)).toBe("");
  expect(path([0, 4], 24)).toBe("M1.15 0h.7v24h-.7z");
});
