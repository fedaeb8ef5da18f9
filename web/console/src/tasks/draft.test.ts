import { expect, it } from "vitest";
import { bodyOf, type Draft } from "./draft";

const DRAFT: Draft = {
  title: " Feed the hamster ",
  repeats: "daily",
  weekdays: [],
  rule: "",
  timezone: "Europe/Berlin",
  local_time: "07:30",
  start_date: "2026-01-25",
  end_date: "",
  payload: "",
};

it("is sent as it was filled in, without what was left open", () => {
  expect(bodyOf(DRAFT)).toEqual({
    title: "Feed the hamster",
    recurrence: "daily",
    timezone: "Europe/Berlin",
    local_time: "07:30",
    start_date: "2026-01-25",
  });
});

it.each<[Partial<Draft>, string]>([
  [{ repeats: "none" }, "none"],
  [{ repeats: "weekdays", weekdays: ["FR", "MO"] }, "FREQ=WEEKLY;BYDAY=MO,FR"],
  [{ repeats: "rule", rule: " FREQ=MONTHLY " }, "FREQ=MONTHLY"],
])("%j recurs by %s", (change, recurrence) => {
  expect(bodyOf({ ...DRAFT, ...change })?.recurrence).toBe(recurrence);
});

it("ends only what recurs", () => {
  expect(bodyOf({ ...DRAFT, end_date: "2026-02-01" })?.end_date).toBe("2026-02-01");
  expect(bodyOf({ ...DRAFT, repeats: "none", end_date: "2026-02-01" })).not.toHaveProperty("end_date");
});

it.each<Partial<Draft>>([
  { title: "  " },
  { repeats: "weekdays" },
  { repeats: "rule", rule: " " },
  { payload: "[1]" },
  { payload: "{" },
])("%j cannot be sent yet", (change) => {
  expect(bodyOf({ ...DRAFT, ...change })).toBeNull();
});

it("takes an object for payload", () => {
  expect(bodyOf({ ...DRAFT, payload: '{"room": 12}' })?.payload).toEqual({ room: 12 });
});
