import type { AttendanceRecord, StudentMark } from "../api/schema";

export type Status = StudentMark["status"];

export const STATUSES = ["present", "late", "absent", "excused"] as const satisfies readonly Status[];

/** How many students one roll call takes. */
export const MOST_AT_ONCE = 99;

/** How a student is to be marked. */
export interface Draft {
  status: Status;
  note: string;
}

/** What is not saved yet, by student. */
export type Drafts = Readonly<Record<string, Draft>>;

/** A student of a roll: as saved, with what is not saved yet over it. */
export interface Row extends Draft {
  student_id: string;
  /** Whether it has changes that are not saved. */
  changed: boolean;
  /** Who marked the student last, and when; nobody yet where it is new. */
  marked_by: string | undefined;
  marked_at: string | undefined;
}

const STUDENT_ID = /^[A-Za-z0-9_.:@-]{1,128}$/;

/** The rows of a roll by student, with those that nobody has marked yet first. */
export function rowsOf(records: readonly AttendanceRecord[], drafts: Drafts): Row[] {
  const saved = new Set(records.map(({ student_id }) => student_id));
  const added = Object.entries(drafts)
    .filter(([student_id]) => !saved.has(student_id))
    .map(([student_id, draft]) => ({
      student_id,
      ...draft,
      changed: true,
      marked_by: undefined,
      marked_at: undefined,
    }));
  const marked = records.map((record) => {
    const draft = drafts[record.student_id];
    return { ...record, note: record.note ?? "", ...draft, changed: draft !== undefined };
  });
  return [...added, ...marked];
}

/** The drafts once a student is marked so; none for one that is marked as was saved. */
export function drafted(drafts: Drafts, student_id: string, draft: Draft, saved: AttendanceRecord | undefined): Drafts {
  const { [student_id]: _, ...others } = drafts;
  const same = saved && saved.status === draft.status && (saved.note ?? "") === draft.note;
  return same ? others : { ...others, [student_id]: draft };
}

/** The drafts that are left once these marks are saved: those that were changed again meanwhile. */
export function unsaved(drafts: Drafts, marks: readonly StudentMark[]): Drafts {
  const sent = new Map(marks.map((mark) => [mark.student_id, mark]));
  const left = Object.entries(drafts).filter(([student_id, draft]) => {
    const mark = sent.get(student_id);
    return !mark || mark.status !== draft.status || mark.note !== noteOf(draft);
  });
  return Object.fromEntries(left);
}

/** What a roll call sends. */
export function marksOf(drafts: Drafts): StudentMark[] {
  return Object.entries(drafts).map(([student_id, draft]) => ({
    student_id,
    status: draft.status,
    note: noteOf(draft),
  }));
}

/** The ids of students in a text, each once, and what in it can be none. */
export function studentsIn(text: string): { ids: string[]; wrong: string[] } {
  const words = [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
  return { ids: words.filter((word) => STUDENT_ID.test(word)), wrong: words.filter((word) => !STUDENT_ID.test(word)) };
}

/** How many students are marked how: `19 present, 2 late, 3 absent`. */
export function tally(rows: readonly { status: Status }[]): string {
  return STATUSES.map((status) => [rows.filter((row) => row.status === status).length, status] as const)
    .filter(([count]) => count > 0)
    .map(([count, status]) => `${count} ${status}`)
    .join(", ");
}

/** Records of a roll with others in their place, in the order of the students' ids. */
export function merged(records: readonly AttendanceRecord[], others: readonly AttendanceRecord[]): AttendanceRecord[] {
  const all = new Map([...records, ...others].map((record) => [record.student_id, record]));
  return [...all.values()].sort((one, other) => (one.student_id < other.student_id ? -1 : 1));
}

function noteOf({ note }: Draft): string | null {
  return note.trim() || null;
}
