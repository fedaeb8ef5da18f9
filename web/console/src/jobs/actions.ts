import { useQueryClient } from "@tanstack/react-query";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { changeItems } from "../api/list";
import type { JobSummary } from "../api/schema";
import { changeThing } from "../api/thing";

const JOBS = [["jobs"], ["media"]];

const idOf = (job: JobSummary) => job.job_id;

/** Runs a job again. It is pending at once; asked for twice, it runs once. */
export function useRetry() {
  const client = useQueryClient();
  return useAction({
    run: (job_id: string) => answer(api.POST("/jobs/{job_id}/retry", { params: { path: { job_id } } })),
    done: () => "The job runs again.",
    refused: "The job was not run again",
    changes: JOBS,
    meanwhile: (job_id) =>
      changeThing<JobSummary>(client, "jobs", job_id, idOf, (job) => ({
        ...job,
        status: "pending",
        stuck: false,
        error: null,
        progress: 0,
        started_at: null,
        finished_at: null,
      })),
  });
}

/** Deletes a job; it leaves the lists at once. */
export function useDelete(deleted?: () => void) {
  const client = useQueryClient();
  return useAction({
    run: (job_id: string) => answer(api.DELETE("/jobs/{job_id}", { params: { path: { job_id } } })),
    done: () => {
      deleted?.();
      return "The job is deleted.";
    },
    refused: "The job was not deleted",
    changes: [["jobs", "list"], ["media"]],
    meanwhile: (job_id) =>
      changeItems<JobSummary>(client, ["jobs", "list"], (job) => (job.job_id === job_id ? null : job)),
  });
}
