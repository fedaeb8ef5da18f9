import { answer, api } from "../api/client";
import type { ErrorLine } from "../api/schema";
import type { Column } from "../ui/Items";
import { compact } from "../ui/numbers";
import { SeverityMark } from "../ui/Severity";
import { took } from "./figures";
import { Report } from "./Report";
import { useReport } from "./reading";

const COLUMNS: readonly Column<ErrorLine>[] = [
  { header: "Event", cell: ({ event }) => <div className="mono truncate">{event}</div> },
  { header: "Severity", width: "112px", cell: ({ severity }) => <SeverityMark severity={severity} /> },
  { header: "Count", width: "84px", align: "end", cell: ({ count }) => compact(count) },
  { header: "Users", width: "84px", align: "end", from: "sm", cell: ({ users }) => compact(users) },
  {
    header: "Took on average",
    width: "140px",
    align: "end",
    from: "sm",
    cell: ({ mean_duration_ms }) => took(mean_duration_ms),
  },
];

const RELATED = [{ view: "feed", label: "The latest of them" }] as const;

/** The events that were severe, the most frequent first. */
export function Errors() {
  const query = useReport("errors", (query, signal) =>
    answer(api.GET("/analytics/errors", { params: { query }, signal })),
  );
  return (
    <Report
      view="errors"
      query={query}
      columns={COLUMNS}
      id={({ event, severity }) => `${severity}|${event}`}
      narrows={eventOf}
      related={RELATED}
      what="severe events"
      how={
        <>
          Events that <code>POST /analytics/track</code> takes with the severity CRITICAL or WARNING are counted here.
        </>
      }
    />
  );
}

function eventOf({ event }: ErrorLine): string {
  return event;
}
