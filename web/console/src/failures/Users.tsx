import { answer, api } from "../api/client";
import type { UserLine } from "../api/schema";
import { Ago } from "../ui/Ago";
import type { Column } from "../ui/Items";
import { compact } from "../ui/numbers";
import { Report } from "./Report";
import { useReport } from "./reading";

const COLUMNS: readonly Column<UserLine>[] = [
  { header: "User", width: "32%", cell: ({ user_id }) => <div className="mono truncate">{user_id}</div> },
  {
    header: "Endpoints",
    from: "sm",
    cell: ({ endpoints }) => (
      <div className="mono truncate" title={endpoints.join("\n")}>
        {endpoints.join(", ") || "–"}
      </div>
    ),
  },
  { header: "Reports", width: "92px", align: "end", cell: ({ reports }) => compact(reports) },
  { header: "Seen", width: "84px", align: "end", cell: ({ last_seen }) => <Ago time={last_seen} /> },
];

const RELATED = [
  { view: "endpoints", label: "Response times" },
  { view: "bypasses", label: "Bypasses" },
] as const;

/** The users that most reports of incidents name. */
export function Users() {
  const query = useReport("users", (query, signal) =>
    answer(api.GET("/analytics/users", { params: { query }, signal })),
  );
  return (
    <Report
      view="users"
      query={query}
      columns={COLUMNS}
      id={({ user_id }) => user_id}
      related={RELATED}
      what="users"
      how={
        <>
          Reports that <code>POST /incidents</code> takes with a <code>user_id</code> are counted here.
        </>
      }
    />
  );
}
