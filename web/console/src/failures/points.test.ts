import { describe, expect, it } from "vitest";
import { fixedByDay, pointsOf } from "./points";

const FIRST = Date.parse("2026-11-01T05:00:00Z");
const hours = (many: number) =>
  Array.from({ length: many }, (_, nth) => ({
    hour: new Date(FIRST + nth * 3_600_000).toISOString(),
    events: 2,
    errors: nth === 20 ? 7 : 0,
  }));

describe("pointsOf", () => {
  it("draws a week hour by hour", () => {
    const points = pointsOf(hours(169), "errors");
    expect(points).toHaveLength(169);
    expect(points[20]?.count).toBe(7);
  });

  it("draws a month day by day, of UTC", () => {
    const points = pointsOf(hours(720), "errors");
    expect(points).toHaveLength(31);
    expect(points.slice(0, 3)).toEqual([
      { when: "Nov 1", count: 0 },
      { when: "Nov 2", count: 7 },
      { when: "Nov 3", count: 0 },
    ]);
    expect(pointsOf(hours(720), "events")[0]?.count).toBe(2 * 19);
  });
});

it("draws days without a fix between those with one", () => {
  const items = [
    { date: "2026-11-03", fixed: 2, keys: ["a"] },
    { date: "2026-11-01", fixed: 1, keys: ["b"] },
  ];
  expect(fixedByDay(items, "2026-10-31T09:00:00Z", "2026-11-03T08:15:00Z").map(({ count }) => count)).toEqual([
    0, 1, 0, 2,
  ]);
});
