import { act, screen, waitFor } from "@testing-library/react";
import { Route, Routes, useLocation } from "react-router";
import { expect, it, vi } from "vitest";
import { useList } from "../api/list";
import { draw } from "../testing-page";
import { DeleteButton } from "./DeleteButton";

interface Thing {
  id: string;
}

function Place() {
  const { pathname, search } = useLocation();
  return <p>{`At ${pathname}${search}`}</p>;
}

function Things({ remove, list }: { remove: () => Promise<unknown>; list?: string }) {
  const { data } = useList<Thing>({
    key: ["things", "list", {}],
    page: async () => ({ items: [{ id: "t-1" }, { id: "t-2" }], next_cursor: null }),
    id: ({ id }) => id,
    seconds: 600,
  });
  return (
    <>
      {data?.map(({ id }) => (
        <i key={id}>{id}</i>
      ))}
      <DeleteButton
        what="thing"
        name="My thing"
        area="things"
        id="t-1"
        is={({ id }: Thing) => id === "t-1"}
        remove={remove}
        list={list}
      >
        It is gone then.
      </DeleteButton>
      <Routes>
        <Route path="*" element={<Place />} />
      </Routes>
    </>
  );
}

const press = (name: string) => act(() => screen.getByText<HTMLElement>(name).click());

it("deletes once it was asked for twice, and goes back to the list as it was", async () => {
  const remove = vi.fn(async () => {});
  draw(<Things remove={remove} list="/things" />, "/things/t-1?project=2");
  await screen.findByText("t-1");
  act(() => screen.getByLabelText("Delete My thing").click());
  await screen.findByText("It is gone then.");
  expect(remove).not.toHaveBeenCalled();

  const confirm = screen.getByText<HTMLElement>("Delete thing");
  act(() => {
    confirm.click();
    confirm.click();
  });
  await screen.findByText("My thing is deleted.");
  await screen.findByText("At /things?project=2");
  expect(remove).toHaveBeenCalledOnce();
});

it("takes it out of the lists at once, and back in where the API refuses", async () => {
  let refuse = () => {};
  const remove = () =>
    new Promise<void>((_, reject) => {
      refuse = () => reject(new Error("no"));
    });
  draw(<Things remove={remove} />, "/things?project=2");
  await screen.findByText("t-1");
  act(() => screen.getByLabelText("Delete My thing").click());
  await screen.findByText("It is gone then.");
  press("Delete thing");
  await waitFor(() => expect(screen.queryByText("t-1")).toBeNull());
  screen.getByText("t-2");
  act(() => refuse());
  await screen.findByText("My thing was not deleted");
  await screen.findByText("t-1");
  screen.getByText("At /things?project=2");
});
