import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import { useCarried, useProject } from "./project";
import classes from "./Shell.module.css";

/** How many incidents nobody has taken yet, wherever one is in the console. */
export function ActiveIncidents() {
  const [project_id] = useProject();
  const carried = useCarried();
  const { data } = useQuery({
    queryKey: ["incidents", "count", project_id],
    queryFn: ({ signal }) =>
      answer(api.GET("/incidents/count", { params: { query: { status: "ACTIVE", project_id } }, signal })),
    refetchInterval: every(10),
  });
  const search = new URLSearchParams(carried);
  search.set("status", "ACTIVE");
  return (
    <Link className={classes.active} to={{ pathname: "/incidents", search: `?${search}` }}>
      <span className={classes.dot} data-some={data ? data.count > 0 : "unknown"} />
      <span>
        <span className="number">{data ? `${data.count.toLocaleString("en")}${data.more ? "+" : ""}` : "–"}</span>
        <span className={classes.activeWords}> active {data?.count === 1 ? "incident" : "incidents"}</span>
      </span>
    </Link>
  );
}
