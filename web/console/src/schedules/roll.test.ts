import { expect, it } from "vitest";
import type { AttendanceRecord } from "../api/schema";
import { drafted, marksOf, merged, rowsOf, studentsIn, tally, unsaved } from "./roll";

function record(student_id: string, status: AttendanceRecord["status"] = "present", note: string | null = null) {
  return { student_id, status, note, marked_by: "ada", marked_at: "2026-01-25T08:15:30.123Z" };
}

const RECORDS = [record("a"), record("b", "late", "The bus was late.")];

it("shows what is not saved over what is, and new students first", () => {
  const rows = rowsOf(RECORDS, { z: { status: "present", note: "" }, b: { status: "absent", note: "" } });
  expect(rows.map(({ student_id, status, note, changed }) => [student_id, status, note, changed])).toEqual([
    ["z", "present", "", true],
    ["a", "present", "", false],
    ["b", "absent", "", true],
  ]);
});

it("forgets a change that leads back to what is saved", () => {
  const [a, b] = RECORDS;
  const changed = drafted({}, "a", { status: "late", note: "" }, a);
  expect(changed).toEqual({ a: { status: "late", note: "" } });
  expect(drafted(changed, "a", { status: "present", note: "" }, a)).toEqual({});
  expect(drafted({}, "b", { status: "late", note: "" }, b)).toEqual({ b: { status: "late", note: "" } });
  expect(drafted({}, "new", { status: "present", note: "" }, undefined)).toHaveProperty("new");
});

it("sends an empty note as none", () => {
  expect(marksOf({ a: { status: "late", note: " Bus. " }, b: { status: "absent", note: " " } })).toEqual([
    { student_id: "a", status: "late", note: "Bus." },
    { student_id: "b", status: "absent", note: null },
  ]);
});

it("keeps what was changed while the rest was saved", () => {
  const drafts = { a: { status: "late", note: "Bus. " }, b: { status: "absent", note: "" } } as const;
  const marks = marksOf(drafts);
  expect(unsaved(drafts, marks)).toEqual({});
  const since = { ...drafts, b: { status: "excused", note: "" }, c: { status: "present", note: "" } } as const;
  expect(Object.keys(unsaved(since, marks))).toEqual(["b", "c"]);
  expect(Object.keys(unsaved({ ...drafts, a: { status: "late", note: "Train." } }, marks))).toEqual(["a"]);
});

it("reads ids however they are pasted, each once, and says which are none", () => {
  expect(studentsIn(" s-1, s-2;s-3\ns-1\tada@school.example ")).toEqual({
    ids: ["s-1", "s-2", "s-3", "ada@school.example"],
    wrong: [],
  });
  expect(studentsIn(`Zoë a/b ${"x".repeat(129)}`).wrong).toHaveLength(3);
});

it("counts who was there", () => {
  expect(tally([...RECORDS, record("c")])).toBe("2 present, 1 late");
});

it("puts what was saved in its place", () => {
  const all = merged(RECORDS, [record("ab", "excused"), record("a", "absent")]);
  expect(all.map(({ student_id, status }) => `${student_id} ${status}`)).toEqual(["a absent", "ab excused", "b late"]);
});
