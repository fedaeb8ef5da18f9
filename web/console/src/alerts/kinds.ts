import type { AlertView, RuleView } from "../api/schema";

export type Happening = RuleView["on"][number];
export type Kind = AlertView["kind"];

/** What may happen, by what it is called and what it means; what a rule is about by default comes first. */
export const HAPPENINGS = [
  { value: "new_incident", label: "New incident", about: "Something fails for the first time." },
  { value: "regression", label: "Regression", about: "An incident that was fixed came back." },
  { value: "cascade", label: "Cascade", about: "Three endpoints or more fail at once." },
  { value: "lockout", label: "Lockout", about: "Many attempts of an account or address failed." },
  { value: "quota", label: "Quota", about: "A project reached what it may send." },
  { value: "absence", label: "Absence", about: "A monitored task or the scheduler stopped." },
  { value: "review", label: "Weekly review", about: "What the week's review found." },
  { value: "report", label: "Every report", about: "Each report of any incident." },
  { value: "event", label: "Every event", about: "Each tracked event." },
] as const satisfies readonly { value: Happening; label: string; about: string }[];

/** What is computed of a project's endpoints; a rule about one is about nothing else. */
export const WATCHED = ["error_rate", "latency"] as const satisfies readonly Happening[];

const FREQUENT: readonly Happening[] = ["report", "event"];

/** What a new rule is about: all but what happens by the thousand. */
export const USUAL: readonly Happening[] = HAPPENINGS.map(({ value }) => value).filter(
  (value) => !FREQUENT.includes(value),
);

/** Whether what happens can be counted: reports and events can, all else happens once. */
export function isCounted(on: readonly Happening[]): boolean {
  return on.length > 0 && on.every((each) => FREQUENT.includes(each));
}

// Of alerts: one of a report is of that one.
const KINDS: Partial<Record<Kind, string>> = {
  report: "Report",
  event: "Event",
  error_rate: "Error rate",
  latency: "Latency",
  digest: "Digest",
  test: "Test",
};

/** What a rule is about, as people read it. */
export function happeningWord(happening: Happening): string {
  return HAPPENINGS.find(({ value }) => value === happening)?.label ?? kindWord(happening);
}

/** A kind of alert as people read it. */
export function kindWord(kind: Kind): string {
  return KINDS[kind] ?? HAPPENINGS.find(({ value }) => value === kind)?.label ?? kind;
}
