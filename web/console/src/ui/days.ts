const DAY_MS = 86_400_000;
const LONG = new Intl.DateTimeFormat("en", { dateStyle: "full", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});

/** The date that it is in a zone, the reader's own without one: `2026-01-25`, as the API writes dates. */
export function today(zone?: string, now = Date.now()): string {
  // What Swedes write is ISO 8601.
  return new Intl.DateTimeFormat("sv", { ...(zone && { timeZone: knownZone(zone) }) }).format(now);
}

/** The date so many days after another. */
export function shift(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Whether a text is a date there is. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A date in words: `Sunday, January 25, 2026`. */
export function longDay(day: string): string {
  return LONG.format(Date.parse(day));
}

/** A date in few words: `Sun, Jan 25, 2026`. */
export function shortDay(day: string): string {
  return SHORT.format(Date.parse(day));
}

/** A zone that this browser can reckon in: UTC for one that only the API knows. */
export function knownZone(zone: string): string {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return "UTC";
  }
}

/** The reader's own time zone. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
