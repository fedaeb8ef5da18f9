import { useQuery } from "@tanstack/react-query";
import { Timer } from "lucide-react";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import type { SchedulerView } from "../api/schema";
import { Live } from "../ui/Live";
import { ago, span, useNow } from "../ui/time";
import classes from "./Scheduler.module.css";

/** Whether the scheduler, which makes instances, runs and keeps up: one quiet line. */
export function Scheduler() {
  const now = useNow();
  const query = useQuery({
    queryKey: ["scheduler"],
    queryFn: ({ signal }) => answer(api.GET("/scheduler", { signal })),
    refetchInterval: every(15),
  });
  const { data } = query;
  return (
    <span className={classes.line} data-well={!data?.stopped}>
      {data && (
        <>
          <Timer size={14} aria-hidden />
          {said(data, now)}
          <Live query={query} />
        </>
      )}
    </span>
  );
}

/** How the scheduler fares, in a sentence; it runs every minute. */
export function said({ stopped, last_tick, lag_seconds }: SchedulerView, now: number): string {
  if (!last_tick) return "The scheduler has never run: no instances are made until it does";
  const last = ago(last_tick, now);
  if (stopped) return `The scheduler stopped ${last} ago: no instances are made until it runs`;
  const ran = last === "now" ? "The scheduler ran just now" : `The scheduler ran ${last} ago`;
  return lag_seconds > 60 ? `${ran}, ${span(lag_seconds * 1000)} behind` : ran;
}
