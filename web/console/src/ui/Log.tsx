import { Button, Skeleton } from "@mantine/core";
import { memo, type ReactNode, useState } from "react";
import type { List } from "../api/list";
import { Ago } from "./Ago";
import { Failed } from "./Failed";
import { useRowKeys } from "./keys";
import classes from "./Log.module.css";
import { Note } from "./Note";

interface Entry<Item> {
  /** When it was. */
  time: (item: Item) => string;
  /** What stands in its line; what has `data-from` is left out on phones. Constant, as is `detail`. */
  summary: (item: Item) => ReactNode;
  /** What it opens to. */
  detail: (item: Item) => ReactNode;
}

interface Props<Item> extends Entry<Item> {
  list: List<Item>;
  id: (item: Item) => string;
  /** What the list is of: `events`. */
  what: string;
  /** What to say where there is nothing. */
  empty: ReactNode;
}

/** What happened, the newest first, a line each that opens to all that is known of it. */
export function Log<Item>({ list, id, what, empty, ...entry }: Props<Item>) {
  const root = useRowKeys<HTMLUListElement>();
  const { data: items, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = list;
  if (error && !items) return <Failed error={error} retry={() => void refetch()} what={`the ${what}`} />;
  if (!items) return <Skeleton height={360} aria-busy />;
  if (items.length === 0 && !hasNextPage) return empty;
  return (
    <>
      <ul ref={root} className={classes.log} aria-label={what}>
        {items.map((item) => (
          <Line key={id(item)} item={item} {...entry} />
        ))}
      </ul>
      {items.length === 0 && (
        <Note title={`None among the newest ${what}`}>The filters are rare: look further back to find some.</Note>
      )}
      {hasNextPage && (
        <div className={classes.more}>
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
    </>
  );
}

const Line = memo(function Line<Item>({ item, time, summary, detail }: Entry<Item> & { item: Item }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary data-row>
          <span className={classes.when}>
            <Ago time={time(item)} />
          </span>
          {summary(item)}
        </summary>
        {open && <div className={classes.detail}>{detail(item)}</div>}
      </details>
    </li>
  );
}) as <Item>(props: Entry<Item> & { item: Item }) => ReactNode;
