import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { ScheduleView } from "../api/schema";
import { Confirm } from "../ui/Confirm";
import type { Attendance } from "./attendance";

interface Props {
  schedule: ScheduleView;
  /** What goes with it, once that is read. */
  attendance: Attendance | undefined;
}

/** Deletes a schedule, once it was asked for twice, and says how much attendance goes, and went, with it. */
export function Delete({ schedule: { schedule_id, title }, attendance }: Props) {
  const [asking, { open, close }] = useDisclosure();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { run, running } = useAction({
    run: (id: string) => answer(api.DELETE("/schedules/{schedule_id}", { params: { path: { schedule_id: id } } })),
    done: ({ deleted_attendance }) => {
      client.removeQueries({ queryKey: ["schedules", "detail", schedule_id] });
      client.removeQueries({ queryKey: ["schedules", "attendance", schedule_id] });
      void navigate("/schedules");
      return `${title} is deleted, and ${recordsOf(deleted_attendance)} with it.`;
    },
    refused: `${title} was not deleted`,
    changes: [["schedules", "list"]],
  });
  return (
    <>
      <Tooltip label="Delete">
        <ActionIcon size={30} variant="default" aria-label={`Delete ${title}`} onClick={open}>
          <Trash2 size={15} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this schedule?"
        act="Delete schedule"
        onConfirm={() => run(schedule_id)}
        running={running}
      >
        {attendance ? (
          <>
            <strong>
              {attendance.more && "More than "}
              {recordsOf(attendance.records.length)}
            </strong>{" "}
            of attendance will be deleted with it, all or nothing.
          </>
        ) : (
          "All of its attendance will be deleted with it, all or nothing."
        )}{" "}
        That cannot be undone.
      </Confirm>
    </>
  );
}

function recordsOf(number: number): string {
  return number === 1 ? "1 record" : `${number.toLocaleString("en")} records`;
}
