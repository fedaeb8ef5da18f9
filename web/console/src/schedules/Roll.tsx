import { Button } from "@mantine/core";
import { useSessionStorage } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Users } from "lucide-react";
import { memo, useCallback } from "react";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { AttendanceRecord, StudentMark } from "../api/schema";
import { Ago } from "../ui/Ago";
import { Note } from "../ui/Note";
import { AddStudents } from "./AddStudents";
import { type Attendance, attendanceKey } from "./attendance";
import classes from "./Roll.module.css";
import { type Draft, type Drafts, drafted, MOST_AT_ONCE, marksOf, merged, type Row, rowsOf, unsaved } from "./roll";
import { StatusChoice } from "./StatusChoice";

interface Props {
  schedule_id: string;
  records: readonly AttendanceRecord[];
}

/** The roll of a schedule: marked here, and saved as a roll call, all or nothing. */
export function Roll({ schedule_id, records }: Props) {
  // What is not saved outlives a reload, and a look at another page.
  const [drafts, setDrafts] = useSessionStorage<Drafts>({
    key: `roll of ${schedule_id}`,
    defaultValue: {},
    getInitialValueInEffect: false,
  });
  const save = useSave(schedule_id, setDrafts);
  const mark = useCallback(
    (student_id: string, draft: Draft) =>
      setDrafts((before) => {
        const saved = records.find((record) => record.student_id === student_id);
        return drafted(before, student_id, draft, saved);
      }),
    [records, setDrafts],
  );
  const add = (ids: string[]) =>
    setDrafts((before) => ({
      ...before,
      ...Object.fromEntries(ids.map((id) => [id, { status: "present", note: "" }])),
    }));
  const rows = rowsOf(records, drafts);
  const changes = Object.keys(drafts).length;
  return (
    <>
      <div className={classes.bar}>
        <AddStudents
          known={new Set(rows.map(({ student_id }) => student_id))}
          room={MOST_AT_ONCE - changes}
          onAdd={add}
        />
        <span className={classes.changes} role="status">
          {changes > 0 && `${changes} not saved`}
        </span>
        <Button variant="default" disabled={changes === 0 || save.running} onClick={() => setDrafts({})}>
          Discard
        </Button>
        <Button disabled={changes === 0} loading={save.running} onClick={() => save.run(marksOf(drafts))}>
          Save roll call
        </Button>
      </div>
      {rows.length === 0 ? (
        <Note title="Nobody is marked yet" icon={<Users size={24} color="var(--dim)" aria-hidden />}>
          Add the students above; they are present until you mark them otherwise.
        </Note>
      ) : (
        <table className={classes.roll} aria-label="Roll">
          <thead>
            <tr>
              <th scope="col">Student</th>
              <th scope="col">Attendance</th>
              <th scope="col">Note</th>
              <th scope="col" className={classes.by}>
                Marked
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Student key={row.student_id} {...row} onMark={mark} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function useSave(schedule_id: string, setDrafts: (change: (drafts: Drafts) => Drafts) => void) {
  const client = useQueryClient();
  return useAction({
    run: (records: StudentMark[]) =>
      answer(api.PUT("/schedules/{schedule_id}/attendance", { params: { path: { schedule_id } }, body: { records } })),
    done: ({ records }, marks) => {
      client.setQueryData<Attendance>(attendanceKey(schedule_id), (before) =>
        before ? { ...before, records: merged(before.records, records) } : before,
      );
      setDrafts((drafts) => unsaved(drafts, marks));
      return `Saved the roll call of ${records.length === 1 ? "1 student" : `${records.length} students`}.`;
    },
    refused: "The roll call was not saved, for none of its students",
    changes: [attendanceKey(schedule_id)],
  });
}

const Student = memo(function Student(props: Row & { onMark: (student_id: string, draft: Draft) => void }) {
  const { student_id, status, note, changed, marked_by, marked_at, onMark } = props;
  return (
    <tr data-changed={changed}>
      <td>
        <div className={`${classes.student} mono truncate`} title={student_id}>
          {student_id}
        </div>
      </td>
      <td>
        <StatusChoice
          student_id={student_id}
          value={status}
          onChange={(chosen) => onMark(student_id, { status: chosen, note })}
        />
      </td>
      <td>
        <input
          className={classes.note}
          aria-label={`Note on ${student_id}`}
          placeholder="Add a note"
          maxLength={1000}
          value={note}
          onChange={({ currentTarget: { value } }) => onMark(student_id, { status, note: value })}
        />
      </td>
      <td className={`${classes.by} dim`}>
        {changed ? (
          "Not saved"
        ) : (
          <>
            {marked_by}, <Ago time={marked_at} />
          </>
        )}
      </td>
    </tr>
  );
});
