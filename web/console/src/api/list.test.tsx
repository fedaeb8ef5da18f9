import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, it, vi } from "vitest";
import { changeItems, type Page, useList } from "./list";

interface Thing {
  id: string;
  state: string;
}

const PAGES: Record<string, Page<Thing>> = {
  first: { items: [thing("a"), thing("b")], next_cursor: "second" },
  // b moved down while the list was read.
  second: { items: [thing("b"), thing("c")], next_cursor: null },
};

function thing(id: string, state = "failed"): Thing {
  return { id, state };
}

function list() {
  const client = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  const page = vi.fn(async (cursor: string | undefined) => PAGES[cursor ?? "first"] as Page<Thing>);
  const { result } = renderHook(() => useList({ key: ["things"], page, id: ({ id }: Thing) => id, seconds: 60 }), {
    wrapper,
  });
  const ids = () => result.current.data?.map(({ id }) => id);
  return { client, result, ids };
}

it("follows cursors to the end, and shows each item once", async () => {
  const { result, ids } = list();
  await waitFor(() => expect(ids()).toEqual(["a", "b"]));
  expect(result.current.hasNextPage).toBe(true);
  await act(() => result.current.fetchNextPage());
  await waitFor(() => expect(ids()).toEqual(["a", "b", "c"]));
  expect(result.current.hasNextPage).toBe(false);
});

it("changes and takes out items at once, and undoes both", async () => {
  const { client, result, ids } = list();
  await waitFor(() => expect(ids()).toEqual(["a", "b"]));
  let undo = () => {};
  act(() => {
    undo = changeItems<Thing>(client, ["things"], (item) => (item.id === "a" ? null : { ...item, state: "pending" }));
  });
  await waitFor(() => expect(result.current.data).toEqual([thing("b", "pending")]));
  act(() => undo());
  await waitFor(() => expect(result.current.data).toEqual([thing("a"), thing("b")]));
});
