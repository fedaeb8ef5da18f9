import { answer, api } from "../api/client";
import type { IncidentDetail, IncidentSummary } from "../api/schema";
import { DeleteButton } from "../ui/DeleteButton";

/** Deletes an incident, with the reports that are kept of it. */
export function Delete({ incident: { incident_id, count } }: { incident: IncidentDetail }) {
  return (
    <DeleteButton
      what="incident"
      area="incidents"
      id={incident_id}
      is={(incident: IncidentSummary) => incident.incident_id === incident_id}
      remove={() => answer(api.DELETE("/incidents/{incident_id}", { params: { path: { incident_id } } }))}
      changes={[["incidents", "count"]]}
      list="/incidents"
    >
      Its count of {count.toLocaleString("en")} and the reports kept of it go with it; that cannot be undone. If it
      fails again, it begins anew at one. To keep its history, mark it as fixed instead.
    </DeleteButton>
  );
}
