import { describe, expect, it } from "vitest";
import { ago, span } from "./time";

const NOW = Date.parse("2026-03-14T12:00:00.000Z");
const before = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

describe("ago", () => {
  it.each([
    [0, "now"],
    [59.9, "now"],
    [60, "1 min"],
    [3599, "59 min"],
    [3600, "1 h"],
    [86_399, "23 h"],
    [86_400, "1 d"],
    [13.9 * 86_400, "13 d"],
    [14 * 86_400, "Feb 28"],
  ])("%d seconds are %s", (seconds, said) => {
    expect(ago(before(seconds), NOW)).toBe(said);
  });

  it("gives the day when that says more, and the year once the day alone is ambiguous", () => {
    expect(ago("2026-02-10T12:00:00Z", NOW)).toBe("Feb 10");
    expect(ago("2025-02-10T12:00:00Z", NOW)).toBe("Feb 10, 2025");
  });

  it("takes a clock that is a little ahead for the present, and tells a real future in full", () => {
    expect(ago(before(-5), NOW)).toBe("now");
    expect(ago("2026-03-15T12:00:00Z", NOW)).toContain("Mar 15, 2026");
  });
});

describe("span", () => {
  it.each([
    [0, "0 ms"],
    [340.4, "340 ms"],
    [12_000, "12 s"],
    [59_600, "1 min"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [3_600_000 + 20_000, "1 h"],
    [4 * 86_400_000 + 3_600_000, "4 d 1 h"],
    [-5, "0 ms"],
  ])("%d ms are %s", (milliseconds, said) => {
    expect(span(milliseconds)).toBe(said);
  });
});
