import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { RotateCw, Trash2 } from "lucide-react";
import type { JobSummary } from "../api/schema";
import { Confirm } from "../ui/Confirm";
import { useDelete, useRetry } from "./actions";
import classes from "./JobActions.module.css";
import { isDeletable, isRetryable } from "./status";

interface Props {
  job: JobSummary;
  /** What is done when it is deleted. */
  deleted?: () => void;
}

/** What can be done with a job as it stands: run it again, delete it. */
export function JobActions({ job, deleted }: Props) {
  const [asking, { open, close }] = useDisclosure();
  const retry = useRetry();
  const remove = useDelete(deleted);
  return (
    <span className={classes.actions}>
      {isRetryable(job) && (
        <Button
          variant="default"
          size="compact-xs"
          leftSection={<RotateCw size={12} aria-hidden />}
          disabled={retry.running}
          onClick={() => retry.run(job.job_id)}
        >
          Re-run
        </Button>
      )}
      {isDeletable(job) && (
        <Tooltip label="Delete">
          <ActionIcon size="sm" aria-label="Delete job" onClick={open}>
            <Trash2 size={14} />
          </ActionIcon>
        </Tooltip>
      )}
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this job?"
        act="Delete job"
        running={remove.running}
        onConfirm={() => {
          close();
          remove.run(job.job_id);
        }}
      >
        The {job.kind} job and its attempts leave the console; what it was about, and its original, stay as they are.
        That cannot be undone.
      </Confirm>
    </span>
  );
}
