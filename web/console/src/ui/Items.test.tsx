import { screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { draw } from "../testing-page";
import { type Column, Items } from "./Items";

const COLUMNS: readonly Column<string>[] = [{ header: "Name", cell: (name) => name }];

function draws(search?: (item: string) => string) {
  draw(
    <Items
      list={{ data: ["one"], isPending: false, error: null, refetch: vi.fn() }}
      columns={COLUMNS}
      id={(name) => name}
      to={(name) => `/things/${name}`}
      {...(search && { search })}
      what="things"
      empty={null}
    />,
    "/things?project=2&status=failed",
  );
  return screen.getByText("one").getAttribute("href");
}

it("leads to a row with the filters that it was found by", () => {
  expect(draws()).toBe("/things/one?project=2&status=failed");
});

it("leads elsewhere where it is told to", () => {
  expect(draws((name) => `?view=${name}`)).toBe("/things/one?view=one");
});
