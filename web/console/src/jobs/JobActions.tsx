import { Button } from "@mantine/core";
import { RotateCw } from "lucide-react";
import { answer, api } from "../api/client";
import type { JobSummary } from "../api/schema";
import { DeleteButton } from "../ui/DeleteButton";
import classes from "./JobActions.module.css";
import { useRetry } from "./retry";
import { isDeletable, isRetryable } from "./status";

interface Props {
  job: JobSummary;
  /** Where one goes once it is deleted; without, one stays. */
  list?: string;
}

/** What can be done with a job as it stands: run it again, delete it. */
export function JobActions({ job, list }: Props) {
  const { job_id, kind } = job;
  const retry = useRetry();
  return (
    <span className={classes.actions}>
      {isRetryable(job) && (
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<RotateCw size={12} aria-hidden />}
          disabled={retry.running}
          onClick={() => retry.run(job_id)}
        >
          Re-run
        </Button>
      )}
      {isDeletable(job) && (
        <DeleteButton
          what="job"
          area="jobs"
          id={job_id}
          is={(each: JobSummary) => each.job_id === job_id}
          remove={() => answer(api.DELETE("/jobs/{job_id}", { params: { path: { job_id } } }))}
          changes={[["media"]]}
          list={list}
          compact
        >
          The {kind} job and its attempts leave the console; what it was about, and its original, stay as they are. That
          cannot be undone.
        </DeleteButton>
      )}
    </span>
  );
}
