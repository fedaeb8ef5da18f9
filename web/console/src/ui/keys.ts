import { useHotkeys } from "@mantine/hooks";
import { useRef } from "react";

/** Moves the focus through the rows of a list by `j` and `k`, or the arrows; put its result on the list. */
export function useRowKeys<Root extends HTMLElement>() {
  const root = useRef<Root>(null);
  const move = (by: number) => focusRow(root.current, by);
  useHotkeys([
    ["j", () => move(1)],
    ["ArrowDown", () => move(1)],
    ["k", () => move(-1)],
    ["ArrowUp", () => move(-1)],
  ]);
  return root;
}

/** Focuses the row so many below the focused one; the first where none is. */
function focusRow(root: HTMLElement | null, by: number): void {
  const rows = [...(root?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const focused = rows.indexOf(document.activeElement as HTMLElement);
  const next = focused < 0 ? rows[0] : rows[focused + by];
  next?.focus();
  next?.scrollIntoView?.({ block: "nearest" });
}
