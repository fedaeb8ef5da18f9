import {
  type InfiniteData,
  type QueryClient,
  type QueryKey,
  type UseInfiniteQueryResult,
  useInfiniteQuery,
} from "@tanstack/react-query";
import { useCallback } from "react";
import { every } from "./polling";

/** A page of a list, as every list of the API answers it. */
export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export type List<Item> = UseInfiniteQueryResult<Item[]>;

interface Options<Item> {
  /** Begins with the area, such as `["jobs", filters]`, so that `["jobs"]` stands for all that the area shows. */
  key: QueryKey;
  page: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>;
  /** What tells items apart: one that moved between two pages while they were read is shown once. */
  id: (item: Item) => string;
  /** Seconds between two looks. */
  seconds: number;
}

/** A list of the API, read page by page and looked at again while somebody looks at it. Its `data` are the items. */
export function useList<Item>({ key, page, id, seconds }: Options<Item>): List<Item> {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same selection as long as the list is the same one
  const select = useCallback((data: InfiniteData<Page<Item>>) => itemsOf(data, id), []);
  return useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => page(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: every(seconds),
    select,
  });
}

function itemsOf<Item>(data: InfiniteData<Page<Item>>, id: (item: Item) => string): Item[] {
  const items = new Map<string, Item>();
  for (const page of data.pages) for (const item of page.items) items.set(id(item), item);
  return [...items.values()];
}

/**
 * Changes the items of every list under a key before the API has answered; null takes one out. Returns what undoes it.
 */
export function changeItems<Item>(client: QueryClient, key: QueryKey, change: (item: Item) => Item | null): () => void {
  void client.cancelQueries({ queryKey: key });
  const before = client.getQueriesData<unknown>({ queryKey: key });
  for (const [found, data] of before) {
    if (!isList<Item>(data)) continue;
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.map(change).filter((item): item is Awaited<Item> & Item => item !== null),
    }));
    client.setQueryData(found, { ...data, pages });
  }
  return () => {
    for (const [found, data] of before) client.setQueryData(found, data);
  };
}

function isList<Item>(data: unknown): data is InfiniteData<Page<Item>> {
  return typeof data === "object" && data !== null && "pages" in data;
}
