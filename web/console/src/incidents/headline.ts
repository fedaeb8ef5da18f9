import type { IncidentSummary } from "../api/schema";

/** What an incident is about: its title, without the error key that stands beside it anyway. */
export function headline({ title, error_key }: Pick<IncidentSummary, "title" | "error_key">): string {
  const prefix = `${error_key}: `;
  return title.startsWith(prefix) && title.length > prefix.length ? title.slice(prefix.length) : title;
}
