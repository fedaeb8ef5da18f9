import { createReporter } from "groundcrew-sdk";
import { api, settings } from "./settings";

/** A failure as it was reported, and the incident that it became. */
export interface Reported {
  file_name?: string;
  error_message?: string;
  incident_id: string;
}

type Listener = (reported: Reported) => void;

const listeners = new Set<Listener>();

/** The page's reporter. It reads along what becomes of each report, which other pages have no need to. */
export const reporter = createReporter({
  endpoint: api,
  key: settings.ingest_key,
  environment: settings.stage,
  release: `demo@${settings.version}`,
  context: () => ({ route_name: "/homework/:id" }),
  fetch: async (input, init) => {
    const answer = await fetch(input, init);
    // What is no answer of the hub tells of no incident; the reporter sends it again.
    if (answer.status === 202) tell(String(init?.body), answer.clone()).catch(() => undefined);
    return answer;
  },
});

/** Be told of each failure that was kept, until the function returned is called. */
export function onReported(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function tell(body: string, answer: Response): Promise<void> {
  const { reports }: { reports: { description: Omit<Reported, "incident_id"> }[] } = JSON.parse(body);
  const { results }: { results: { incident_id?: string }[] } = await answer.json();
  for (const [index, { description }] of reports.entries()) {
    const incident_id = results[index]?.incident_id;
    if (incident_id) for (const listener of listeners) listener({ ...description, incident_id });
  }
}
