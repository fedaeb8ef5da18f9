import type { FixLine, HourLine } from "../api/schema";
import { shift } from "../ui/days";

/** A bar of a chart: how much there was in a span of time, and when that was, in words. */
export interface Point {
  when: string;
  count: number;
}

const HOURS_DRAWN = 168;
const HOUR = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
// Reports reckon in days of UTC.
const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });

/** Whether a report of so many hours is drawn day by day, as its hours would be too narrow to see. */
export function byDay(hours: number): boolean {
  return hours > HOURS_DRAWN;
}

/** What an overview draws of its hours: hour by hour in the reader's own time, or day by day. */
export function pointsOf(items: readonly HourLine[], of: "events" | "errors"): Point[] {
  // The first hour is the one before so many hours ago.
  if (!byDay(items.length - 1))
    return items.map((item) => ({ when: HOUR.format(Date.parse(item.hour)), count: item[of] }));
  const days = new Map<string, number>();
  for (const item of items) {
    const day = item.hour.slice(0, 10);
    days.set(day, (days.get(day) ?? 0) + item[of]);
  }
  return [...days].map(([day, count]) => ({ when: dayWord(day), count }));
}

/** What was fixed day by day, the oldest first, days without a fix between them. */
export function fixedByDay(items: readonly FixLine[], since: string, until: string): Point[] {
  const fixed = new Map(items.map((item) => [item.date, item.fixed]));
  const points: Point[] = [];
  const last = until.slice(0, 10);
  for (let day = since.slice(0, 10); day <= last; day = shift(day, 1)) {
    points.push({ when: dayWord(day), count: fixed.get(day) ?? 0 });
  }
  return points;
}

/** A date (of UTC) in as few characters as say it: `Nov 22`. */
function dayWord(day: string): string {
  return DAY.format(Date.parse(day));
}
