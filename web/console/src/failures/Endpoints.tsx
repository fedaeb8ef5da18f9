import { answer, api } from "../api/client";
import type { EndpointLine } from "../api/schema";
import type { Column } from "../ui/Items";
import { compact } from "../ui/numbers";
import { took } from "./figures";
import { Rate } from "./Rate";
import { Report } from "./Report";
import { useReport } from "./reading";

const COLUMNS: readonly Column<EndpointLine>[] = [
  { header: "Endpoint", cell: ({ endpoint }) => <div className="mono truncate">{endpoint}</div> },
  { header: "Requests", width: "92px", align: "end", from: "sm", cell: ({ requests }) => compact(requests) },
  { header: "Failed", width: "124px", align: "end", cell: ({ failure_rate }) => <Rate share={failure_rate} /> },
  { header: "p50", width: "88px", align: "end", from: "sm", cell: ({ p50_ms }) => took(p50_ms) },
  { header: "p95", width: "88px", align: "end", cell: ({ p95_ms }) => took(p95_ms) },
  { header: "p99", width: "88px", align: "end", from: "md", cell: ({ p99_ms }) => took(p99_ms) },
];

const RELATED = [
  { view: "users", label: "Users affected" },
  { view: "bypasses", label: "Bypasses" },
] as const;

/** Endpoints: how much of their requests failed, and how long they took; the slowest first. */
export function Endpoints() {
  const query = useReport("endpoints", (query, signal) =>
    answer(api.GET("/analytics/endpoints", { params: { query }, signal })),
  );
  return (
    <Report
      view="endpoints"
      query={query}
      columns={COLUMNS}
      id={endpointOf}
      narrows={endpointOf}
      related={RELATED}
      what="endpoints"
      how={
        <>
          Events whose data names an <code>endpoint</code>, with its <code>status</code> and <code>duration_ms</code>,
          are summed up here.
        </>
      }
    />
  );
}

function endpointOf({ endpoint }: EndpointLine): string {
  return endpoint;
}
