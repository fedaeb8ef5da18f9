import { expect, it } from "vitest";
import { said } from "./Scheduler";

const NOW = Date.parse("2026-01-25T08:15:00Z");

it.each([
  ["2026-01-25T08:14:30Z", 0, false, "The scheduler ran just now"],
  ["2026-01-25T08:12:00Z", 0, false, "The scheduler ran 3 min ago"],
  ["2026-01-25T08:14:30Z", 300, false, "The scheduler ran just now, 5 min behind"],
  ["2026-01-25T07:15:00Z", 300, true, "The scheduler stopped 1 h ago: no instances are made until it runs"],
  [null, 0, true, "The scheduler has never run: no instances are made until it does"],
])("last run %s, %d s behind, stopped: %s: %s", (last_tick, lag_seconds, stopped, words) => {
  expect(said({ last_tick, lag_seconds, stopped, oldest_due: null }, NOW)).toBe(words);
});
