import { describe, expect, it } from "vitest";
import { later, localOf, minutesBetween, momentOf, rangeInWords } from "./times";

describe("momentOf", () => {
  it.each([
    ["2026-01-25T08:15", "Europe/Berlin", "2026-01-25T07:15:00.000Z"],
    ["2026-07-25T08:15", "Europe/Berlin", "2026-07-25T06:15:00.000Z"],
    ["2026-01-25T08:15", "America/New_York", "2026-01-25T13:15:00.000Z"],
    ["2026-01-25T08:15", "Asia/Kathmandu", "2026-01-25T02:30:00.000Z"],
    ["2026-01-25T08:15", "UTC", "2026-01-25T08:15:00.000Z"],
    // Skipped: it is an hour later.
    ["2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"],
    ["2026-03-08T02:30", "America/New_York", "2026-03-08T07:30:00.000Z"],
    // Shown twice: it is the first.
    ["2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"],
    ["2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00.000Z"],
    // On the very days, before and after.
    ["2026-03-29T01:59", "Europe/Berlin", "2026-03-29T00:59:00.000Z"],
    ["2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00:00.000Z"],
    ["2026-10-25T03:00", "Europe/Berlin", "2026-10-25T02:00:00.000Z"],
  ])("%s in %s is %s", (local, zone, moment) => {
    expect(momentOf(local, zone)).toBe(moment);
  });
});

it("says what clocks show at a moment", () => {
  expect(localOf(Date.parse("2026-01-25T23:30:00Z"), "Europe/Berlin")).toBe("2026-01-26T00:30");
});

it("keeps a length, over midnight as well", () => {
  expect(later("2026-01-25T23:30", 45)).toBe("2026-01-26T00:15");
  expect(minutesBetween("2026-01-25T23:30", "2026-01-26T00:15")).toBe(45);
});

it("says from when to when, where its people are", () => {
  const words = rangeInWords("2026-01-25T07:15:00.000Z", "2026-01-25T08:00:00.000Z", "Europe/Berlin");
  expect(words.replace(/\s/g, " ")).toBe("Sun, Jan 25, 2026, 08:15 – 09:00");
});
