import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { KeptReport } from "../api/schema";
import { Headline } from "../ui/Headline";
import { Log } from "../ui/Log";
import { Note } from "../ui/Note";
import { SeverityMark } from "./marks";
import { ReportView, reportOf } from "./Report";

/** The reports that are kept of an incident, the newest first; each opens to all that it says. */
export function Occurrences({ incident_id }: { incident_id: string }) {
  const list = useList<KeptReport>({
    key: ["incidents", "occurrences", incident_id],
    page: (cursor, signal) =>
      answer(
        api.GET("/incidents/{incident_id}/occurrences", {
          params: { path: { incident_id }, query: { ...(cursor && { cursor }) } },
          signal,
        }),
      ),
    id: idOf,
    seconds: 15,
  });
  return (
    <Log
      list={list}
      id={idOf}
      time={timeOf}
      summary={summary}
      detail={detail}
      what="occurrences"
      empty={<Note title="No report is kept yet">The count is right all the same; reports follow within seconds.</Note>}
    />
  );
}

function idOf({ event_id }: KeptReport): string {
  return event_id;
}

function timeOf({ received_at }: KeptReport): string {
  return received_at;
}

function summary({ error_message, event_id, environment, release, user_id }: KeptReport) {
  const from = [environment, release, user_id && `user ${user_id}`].filter(Boolean).join(" · ");
  return <Headline title={error_message ?? event_id} under={from} />;
}

function detail(kept: KeptReport) {
  const report = reportOf(kept);
  return (
    <>
      <p className="under">
        <SeverityMark severity={kept.severity} /> Event <span className="mono">{kept.event_id}</span>
      </p>
      {report && <ReportView report={report} />}
    </>
  );
}
