import type { NewTask } from "../api/schema";
import { readObject } from "../ui/object";

export const REPEATS = [
  { value: "none", label: "Never: it is done once" },
  { value: "daily", label: "Every day" },
  { value: "weekly", label: "Every week" },
  { value: "weekdays", label: "On some days of the week" },
  { value: "rule", label: "By a rule (RRULE)" },
] as const;

export const WEEKDAYS = [
  { value: "MO", label: "Mon" },
  { value: "TU", label: "Tue" },
  { value: "WE", label: "Wed" },
  { value: "TH", label: "Thu" },
  { value: "FR", label: "Fri" },
  { value: "SA", label: "Sat" },
  { value: "SU", label: "Sun" },
] as const;

/** What is filled in of a task that is to be made. */
export interface Draft {
  title: string;
  repeats: (typeof REPEATS)[number]["value"];
  weekdays: string[];
  rule: string;
  timezone: string;
  local_time: string;
  start_date: string;
  end_date: string;
  payload: string;
}

/** The recurrence that a draft asks for; nothing while it is left open. */
export function recurrenceOf({ repeats, weekdays, rule }: Draft): string {
  if (repeats === "rule") return rule.trim();
  if (repeats !== "weekdays") return repeats;
  const chosen = WEEKDAYS.filter(({ value }) => weekdays.includes(value)).map(({ value }) => value);
  return chosen.length > 0 ? `FREQ=WEEKLY;BYDAY=${chosen.join(",")}` : "";
}

/** What a draft is sent as; null while it cannot be. */
export function bodyOf(draft: Draft): NewTask | null {
  const { title, timezone, local_time, start_date, end_date, repeats } = draft;
  const recurrence = recurrenceOf(draft);
  const payload = readObject(draft.payload);
  if (!title.trim() || !recurrence || payload === undefined) return null;
  return {
    title: title.trim(),
    recurrence,
    timezone,
    ...(local_time && { local_time }),
    ...(start_date && { start_date }),
    ...(end_date && repeats !== "none" && { end_date }),
    ...(payload && { payload }),
  };
}
