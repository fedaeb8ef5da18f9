import { act, fireEvent, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { draw } from "../testing-page";
import { AddStudents } from "./AddStudents";

function add(ids: string) {
  fireEvent.change(screen.getByLabelText("Students to add"), { target: { value: ids } });
  act(() => screen.getByText<HTMLElement>("Add").click());
}

function form(room: number) {
  const onAdd = vi.fn();
  draw(<AddStudents known={new Set(["s-1"])} room={room} onAdd={onAdd} />);
  return onAdd;
}

it("adds who is not on the roll yet", () => {
  const onAdd = form(99);
  add("s-1 s-2, s-3");
  expect(onAdd).toHaveBeenCalledExactlyOnceWith(["s-2", "s-3"]);
  expect(screen.getByLabelText<HTMLInputElement>("Students to add").value).toBe("");
});

it.each([
  ["s-2 s-3 s-4", /^A roll call takes 99 students at once/],
  ["s-1", "This student is on the roll."],
  ["s-2 a/b", /^No id of a student: a\/b/],
])("says what is wrong with %s, and keeps it", (ids, words) => {
  const onAdd = form(2);
  add(ids);
  expect(screen.getByText(words)).toBeTruthy();
  expect(onAdd).not.toHaveBeenCalled();
  expect(screen.getByLabelText<HTMLInputElement>("Students to add").value).toBe(ids);
});
