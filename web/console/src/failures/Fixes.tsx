import { Link } from "react-router";
import { answer, api } from "../api/client";
import type { FixLine } from "../api/schema";
import { useCarried } from "../shell/project";
import { shortDay } from "../ui/days";
import type { Column } from "../ui/Items";
import { Bars } from "./Bars";
import { fixedByDay } from "./points";
import { Report } from "./Report";
import classes from "./Report.module.css";
import { useReport } from "./reading";

const COLUMNS: readonly Column<FixLine>[] = [
  { header: "Day", width: "150px", cell: ({ date }) => <span className="number">{shortDay(date)}</span> },
  { header: "Fixed", width: "64px", align: "end", cell: ({ fixed }) => fixed.toLocaleString("en") },
  { header: "Incidents", cell: ({ keys }) => <Keys keys={keys} /> },
];

/** What was fixed, day by day (UTC), the newest first. */
export function Fixes() {
  const query = useReport("fixes", (query, signal) =>
    answer(api.GET("/analytics/fixes", { params: { query }, signal })),
  );
  const { data } = query;
  return (
    <Report
      view="fixes"
      query={query}
      columns={COLUMNS}
      id={({ date }) => date}
      what="fixes"
      how="Incidents that are marked as fixed are counted here, on the day on which they were."
    >
      {data && data.items.length > 0 && (
        <Bars title="Fixed per day" points={fixedByDay(data.items, data.since, data.until)} tone="green" />
      )}
    </Report>
  );
}

function Keys({ keys }: { keys: readonly string[] }) {
  const carried = useCarried();
  return (
    <div className={classes.keys}>
      {keys.map((key) => {
        const search = new URLSearchParams(carried);
        search.set("error_key", key);
        return (
          <Link key={key} className="mono" to={{ pathname: "/incidents", search: `?${search}` }}>
            {key}
          </Link>
        );
      })}
    </div>
  );
}
