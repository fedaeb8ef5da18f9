import { knownZone } from "../ui/days";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The moment (RFC 3339) of a local time such as `2026-01-25T08:15`. Throws RangeError for what is none. */
export function momentOf(local: string, zone: string): string {
  const wall = Date.parse(`${local}Z`);
  const [before, after] = [offset(wall - DAY_MS, zone), offset(wall + DAY_MS, zone)];
  // Of a time that clocks show twice the first; one that they skip is as much later as they skip.
  const right = [before, after].find((each) => offset(wall - each, zone) === each) ?? before;
  return new Date(wall - right).toISOString();
}

/** The local time in a zone of a moment in milliseconds since 1970, to the minute: `2026-01-25T08:15`. */
export function localOf(moment: number, zone: string): string {
  return new Date(moment + offset(moment, zone)).toISOString().slice(0, 16);
}

/** A local time so many minutes after another. */
export function later(local: string, minutes: number): string {
  return new Date(Date.parse(`${local}Z`) + minutes * MINUTE_MS).toISOString().slice(0, 16);
}

/** How many minutes lie between two local times. */
export function minutesBetween(from: string, to: string): number {
  return (Date.parse(`${to}Z`) - Date.parse(`${from}Z`)) / MINUTE_MS;
}

/** From when to when, in words and local to a zone: `Sun, Jan 25, 2026, 08:15 – 09:00`. */
export function rangeInWords(starts_at: string, ends_at: string, zone: string): string {
  const format = new Intl.DateTimeFormat("en", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: knownZone(zone),
  });
  return format.formatRange(Date.parse(starts_at), Date.parse(ends_at));
}

/** How many milliseconds a zone is ahead of UTC at a moment. */
function offset(moment: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("sv", {
    dateStyle: "short",
    timeStyle: "medium",
    timeZone: knownZone(zone),
  }).format(moment);
  return Date.parse(`${parts.replace(" ", "T")}Z`) - Math.floor(moment / 1000) * 1000;
}
