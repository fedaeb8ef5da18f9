import { useSyncExternalStore } from "react";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TICK = 10 * SECOND;

const ABSOLUTE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const DATE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const DATE_AND_YEAR = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });

/** How long ago a moment (RFC 3339) is, in as few characters as say it: `now`, `5 min`, `3 h`, `2 d`, `14 Mar`. */
export function ago(time: string, now: number): string {
  const then = Date.parse(time);
  const past = now - then;
  // The API's clock may be a little ahead of ours.
  if (past < MINUTE) return past > -MINUTE ? "now" : absolute(time);
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h`;
  if (past < 14 * DAY) return `${Math.floor(past / DAY)} d`;
  return (past < 300 * DAY ? DATE : DATE_AND_YEAR).format(then);
}

/** A moment (RFC 3339) in full, in the reader's own time zone. */
export function absolute(time: string): string {
  return ABSOLUTE.format(Date.parse(time));
}

/** A span of milliseconds, in its two largest units: `340 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`. */
export function span(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  if (length < SECOND) return `${Math.round(length)} ms`;
  const seconds = Math.round(length / SECOND);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}

const watchers = new Set<() => void>();
let timer: number | undefined;
let present = Date.now();

/** The present, in milliseconds since 1970, again every ten seconds; one clock for all that show it. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => present);
}

function watch(tell: () => void): () => void {
  if (timer === undefined) {
    present = Date.now();
    timer = window.setInterval(tick, TICK);
  }
  watchers.add(tell);
  return () => {
    watchers.delete(tell);
    if (watchers.size === 0) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

function tick(): void {
  present = Date.now();
  for (const tell of watchers) tell();
}
