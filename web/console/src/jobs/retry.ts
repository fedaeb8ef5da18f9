import { useQueryClient } from "@tanstack/react-query";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { JobSummary } from "../api/schema";
import { changeThing } from "../api/thing";

/** Runs a job again. It is pending at once; asked for twice, it runs once. */
export function useRetry() {
  const client = useQueryClient();
  return useAction({
    run: (job_id: string) => answer(api.POST("/jobs/{job_id}/retry", { params: { path: { job_id } } })),
    done: () => "The job runs again.",
    refused: "The job was not run again",
    changes: [["jobs"], ["media"]],
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

function idOf(job: JobSummary): string {
  return job.job_id;
}
