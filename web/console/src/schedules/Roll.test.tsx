import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { draw, ok, refusal, stubApi } from "../testing-page";
import { Roll } from "./Roll";

const SAVE = "PUT /schedules/s-1/attendance";
const RECORD = {
  student_id: "student-1",
  status: "present",
  note: null,
  marked_by: "ada",
  marked_at: "2026-01-25T08:15:30.123Z",
} as const;

const chosen = (status: string) => screen.getByLabelText<HTMLInputElement>(status).checked;

const unsaved = () => screen.queryByText(/not saved$/);

function add(ids: string) {
  fireEvent.change(screen.getByLabelText("Students to add"), { target: { value: ids } });
  act(() => screen.getByText<HTMLElement>("Add").click());
}

it("saves what was changed as one roll call, however often it is pressed", async () => {
  const calls = stubApi({ [SAVE]: () => ok({ records: [{ ...RECORD, status: "late" }] }) });
  draw(<Roll schedule_id="s-1" records={[RECORD]} />);
  act(() => screen.getByLabelText("Late").click());
  add("student-2");
  const save = screen.getByText<HTMLElement>("Save roll call");
  act(() => {
    save.click();
    save.click();
  });
  await screen.findByText(/^Saved the roll call/);
  await waitFor(() => expect(unsaved()).toBeNull());
  expect(calls.filter(({ what }) => what === SAVE).map(({ body }) => body)).toEqual([
    {
      records: [
        { student_id: "student-1", status: "late", note: null },
        { student_id: "student-2", status: "present", note: null },
      ],
    },
  ]);
});

it("keeps what was marked where the roll call is refused", async () => {
  stubApi({ [SAVE]: () => refusal(404, "ScheduleNotFound", "There is no schedule with this id.") });
  draw(<Roll schedule_id="s-1" records={[RECORD]} />);
  act(() => screen.getByLabelText("Absent").click());
  act(() => screen.getByText<HTMLElement>("Save roll call").click());
  await screen.findByText("There is no schedule with this id.");
  expect(chosen("Absent")).toBe(true);
  expect(unsaved()?.textContent).toBe("1 not saved");
});

it("goes back to what is saved when the changes are discarded", () => {
  draw(<Roll schedule_id="s-1" records={[RECORD]} />);
  act(() => screen.getByLabelText("Absent").click());
  expect(chosen("Absent")).toBe(true);
  act(() => screen.getByText<HTMLElement>("Discard").click());
  expect(chosen("Present")).toBe(true);
  expect(unsaved()).toBeNull();
});
