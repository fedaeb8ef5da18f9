import { expect, it } from "vitest";
import { isDay, knownZone, longDay, shift, shortDay, today } from "./days";

it("knows which date it is where", () => {
  const now = Date.parse("2026-01-25T23:30:00Z");
  expect(today("Europe/Berlin", now)).toBe("2026-01-26");
  expect(today("America/New_York", now)).toBe("2026-01-25");
  expect(today("Nowhere/AtAll", now)).toBe("2026-01-25");
});

it("steps over the ends of months, and over the days that clocks change", () => {
  expect(shift("2026-02-28", 1)).toBe("2026-03-01");
  expect(shift("2026-01-01", -1)).toBe("2025-12-31");
  expect(shift("2026-03-28", 2)).toBe("2026-03-30");
});

it.each([
  ["2026-01-25", true],
  ["2024-02-29", true],
  ["2026-02-30", false],
  ["2026-13-01", false],
  ["2026-1-5", false],
  ["yesterday", false],
])("%s is a date: %s", (text, is) => {
  expect(isDay(text)).toBe(is);
});

it("says dates in words", () => {
  expect(longDay("2026-01-25")).toBe("Sunday, January 25, 2026");
  expect(shortDay("2026-01-25")).toBe("Sun, Jan 25, 2026");
});

it("reckons in UTC where this browser does not know a zone", () => {
  expect(knownZone("Europe/Berlin")).toBe("Europe/Berlin");
  expect(knownZone("Nowhere/AtAll")).toBe("UTC");
});
