import { answer, api } from "../api/client";
import type { BypassLine } from "../api/schema";
import type { Column } from "../ui/Items";
import { compact } from "../ui/numbers";
import { Rate } from "./Rate";
import { Report } from "./Report";
import { useReport } from "./reading";

const COLUMNS: readonly Column<BypassLine>[] = [
  { header: "Endpoint", cell: ({ endpoint }) => <div className="mono truncate">{endpoint}</div> },
  { header: "Reports", width: "92px", align: "end", cell: ({ reports }) => compact(reports) },
  { header: "Bypassed", width: "96px", align: "end", from: "sm", cell: ({ bypassed }) => compact(bypassed) },
  { header: "Rate", width: "124px", align: "end", cell: ({ bypass_rate }) => <Rate share={bypass_rate} /> },
];

const RELATED = [
  { view: "users", label: "Users affected" },
  { view: "endpoints", label: "Response times" },
] as const;

/** Endpoints by how many of their incidents' reports tell of a user who was let past the failure. */
export function Bypasses() {
  const query = useReport("bypasses", (query, signal) =>
    answer(api.GET("/analytics/bypasses", { params: { query }, signal })),
  );
  return (
    <Report
      view="bypasses"
      query={query}
      columns={COLUMNS}
      id={endpointOf}
      narrows={endpointOf}
      related={RELATED}
      what="reports that name an endpoint"
      how={
        <>
          Reports that <code>POST /incidents</code> takes with an <code>endpoint</code> and <code>was_bypassed</code>{" "}
          are counted here.
        </>
      }
    />
  );
}

function endpointOf({ endpoint }: BypassLine): string {
  return endpoint;
}
