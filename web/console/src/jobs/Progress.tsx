import { Progress as Bar } from "@mantine/core";
import type { JobSummary } from "../api/schema";
import { span, useNow } from "../ui/time";
import classes from "./Progress.module.css";
import { statusOf } from "./status";

/** How far a running job is; of any other, how long its attempt took. */
export function Progress({ job }: { job: JobSummary }) {
  const now = useNow();
  const status = statusOf(job);
  if (status === "running" || status === "stuck") {
    const percent = Math.round(job.progress * 100);
    return (
      <span className={classes.progress}>
        <Bar
          value={percent}
          size={5}
          color={status === "stuck" ? "orange" : "indigo"}
          aria-label={`${percent} per cent done`}
          className={classes.bar ?? ""}
        />
        <span className="number">{percent} %</span>
      </span>
    );
  }
  if (!job.started_at) return <span className="dim">–</span>;
  const end = job.finished_at ? Date.parse(job.finished_at) : now;
  return <span className="number dim">{span(end - Date.parse(job.started_at))}</span>;
}
