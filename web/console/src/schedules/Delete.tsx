import { answer, api } from "../api/client";
import type { ScheduleView } from "../api/schema";
import { DeleteButton } from "../ui/DeleteButton";
import type { Attendance } from "./attendance";

interface Props {
  schedule: ScheduleView;
  /** What goes with it, once that is read. */
  attendance: Attendance | undefined;
}

/** Deletes a schedule, and says how much attendance goes, and went, with it. */
export function Delete({ schedule: { schedule_id, title }, attendance }: Props) {
  return (
    <DeleteButton
      what="schedule"
      name={title}
      area="schedules"
      id={schedule_id}
      is={(schedule: ScheduleView) => schedule.schedule_id === schedule_id}
      remove={() => answer(api.DELETE("/schedules/{schedule_id}", { params: { path: { schedule_id } } }))}
      list="/schedules"
      done={({ deleted_attendance }) => `${title} is deleted, and ${recordsOf(deleted_attendance)} with it.`}
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
    </DeleteButton>
  );
}

function recordsOf(number: number): string {
  return number === 1 ? "1 record" : `${number.toLocaleString("en")} records`;
}
