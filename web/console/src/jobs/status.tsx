import { CircleCheck, CircleDashed, CircleX, LoaderCircle, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { JobSummary } from "../api/schema";
import { Mark, type Tone } from "../ui/Mark";

export const STATUSES = ["pending", "running", "stuck", "failed", "succeeded"] as const;
export type Status = (typeof STATUSES)[number];

const MARKS: Record<Status, { tone: Tone; icon: ReactNode }> = {
  pending: { tone: "gray", icon: <CircleDashed size={14} /> },
  running: { tone: "blue", icon: <LoaderCircle size={14} /> },
  stuck: { tone: "orange", icon: <TriangleAlert size={14} /> },
  failed: { tone: "red", icon: <CircleX size={14} /> },
  succeeded: { tone: "green", icon: <CircleCheck size={14} /> },
};

/** How a job stands, as people sort them: a running one whose worker is gone is stuck. */
export function statusOf({ status, stuck }: Pick<JobSummary, "status" | "stuck">): Status {
  return stuck ? "stuck" : status;
}

/** Whether a job may be run again. */
export function isRetryable(job: Pick<JobSummary, "status" | "stuck">): boolean {
  return job.stuck || job.status === "failed";
}

/** Whether a job may be deleted: any but one that a worker holds. */
export function isDeletable(job: Pick<JobSummary, "status" | "stuck">): boolean {
  return job.stuck || job.status !== "running";
}

export function StatusMark({ status }: { status: Status }) {
  const { tone, icon } = MARKS[status];
  return (
    <Mark tone={tone} icon={icon}>
      {status.charAt(0).toUpperCase() + status.slice(1)}
    </Mark>
  );
}
