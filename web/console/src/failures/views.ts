import { SEVERITIES } from "../ui/Severity";

/** The reports that stand beside the overview. */
export const VIEWS = ["errors", "endpoints", "features", "trials", "bypasses", "fixes", "users", "feed"] as const;
export type View = (typeof VIEWS)[number];

/** How far back a report may go. */
export const WINDOWS = [
  { value: "24", label: "24 h" },
  { value: "168", label: "7 d" },
  { value: "720", label: "30 d" },
  { value: "2160", label: "90 d" },
] as const;

/** What the URL says of the page; `dimension` is the event, endpoint or whatever else a report is narrowed to. */
export const FILTERS = {
  view: VIEWS,
  hours: ["24", "168", "720", "2160"],
  dimension: "text",
  severity: SEVERITIES,
} as const;

/** The search parameters of another report, or of the same one narrowed; the window and the project go along. */
export function searchOf(search: string, view: View | undefined, dimension?: string): string {
  const next = new URLSearchParams(search);
  next.delete("severity");
  for (const [name, value] of Object.entries({ view, dimension })) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return `?${next}`;
}

/** Seconds between two looks at a report: one of a quarter reads more than one of a day, and changes less. */
export function pace(hours: number): number {
  return Math.max(30, Math.round(hours / 8));
}
