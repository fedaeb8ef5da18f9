import { Button, Skeleton } from "@mantine/core";
import { useState } from "react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { KeptReport } from "../api/schema";
import { Ago } from "../ui/Ago";
import { Failed } from "../ui/Failed";
import { Note } from "../ui/Note";
import { SeverityMark } from "./marks";
import classes from "./Occurrences.module.css";
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
    id: ({ event_id }) => event_id,
    seconds: 15,
  });
  const { data: reports, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = list;
  if (error && !reports) return <Failed error={error} retry={() => void refetch()} what="the occurrences" />;
  if (!reports) return <Skeleton height={300} />;
  if (reports.length === 0) {
    return <Note title="No report is kept yet">The count is right all the same; reports follow within seconds.</Note>;
  }
  return (
    <>
      <ul className={classes.occurrences}>
        {reports.map((report) => (
          <Occurrence key={report.event_id} report={report} />
        ))}
      </ul>
      {hasNextPage && (
        <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Load more
        </Button>
      )}
    </>
  );
}

function Occurrence({ report }: { report: KeptReport }) {
  const [open, setOpen] = useState(false);
  const shown = open ? reportOf(report) : null;
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <Ago time={report.received_at} />
          <span className="truncate">{report.error_message ?? report.event_id}</span>
          <span className={classes.facts}>
            {[report.environment, report.release, report.user_id && `user ${report.user_id}`]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </summary>
        {shown && (
          <div className={classes.report}>
            <p className={classes.facts}>
              <SeverityMark severity={report.severity} /> Event <span className="mono">{report.event_id}</span>
            </p>
            <ReportView report={shown} />
          </div>
        )}
      </details>
    </li>
  );
}
