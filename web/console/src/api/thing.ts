import type { QueryClient } from "@tanstack/react-query";
import { changeItems } from "./list";

/**
 * Changes one thing of an area before the API has answered: in every list under `[area, "list"]`, and where it is read
 * by itself, as `[area, "detail", id]`. Returns what undoes it.
 */
export function changeThing<Thing>(
  client: QueryClient,
  area: string,
  id: string,
  idOf: (thing: Thing) => string,
  change: (thing: Thing) => Thing,
): () => void {
  const key = [area, "detail", id];
  void client.cancelQueries({ queryKey: key });
  const undoLists = changeItems<Thing>(client, [area, "list"], (thing) => (idOf(thing) === id ? change(thing) : thing));
  const before = client.getQueryData<Thing>(key);
  if (before) client.setQueryData<Thing>(key, change(before));
  return () => {
    undoLists();
    if (before) client.setQueryData<Thing>(key, before);
  };
}
