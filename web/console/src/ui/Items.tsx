import { Button, Skeleton } from "@mantine/core";
import { memo, type ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { Failed } from "./Failed";
import classes from "./Items.module.css";
import { useRowKeys } from "./keys";
import { Note } from "./Note";

export interface Column<Item> {
  header: string;
  cell: (item: Item) => ReactNode;
  /** In CSS; the one column without takes what is left. */
  width?: string;
  align?: "end";
  /** The narrowest page that has the column; without, every page has. */
  from?: "sm" | "md";
}

/** What a table needs to know of what it shows, however that was read. */
export interface Listed<Item> {
  data: readonly Item[] | undefined;
  isPending: boolean;
  error: Error | null;
  refetch: () => unknown;
  /** Whether there is more, and the way to it; of what was read whole there is not. */
  hasNextPage?: boolean;
  isFetchingNextPage?: boolean;
  fetchNextPage?: () => unknown;
}

interface Props<Item> {
  list: Listed<Item>;
  /** Constant, so that rows are drawn anew only when their item changes. */
  columns: readonly Column<Item>[];
  id: (item: Item) => string;
  /** The path that a row leads to; its first column is the link's text. Constant as well. */
  to?: (item: Item) => string;
  /** The search that goes with it. Without, it is the present one, so that the way back leads to the same list. */
  search?: (item: Item) => string;
  /** What the list is of: `incidents`. */
  what: string;
  /** What to say where there is nothing. */
  empty: ReactNode;
}

const SKELETONS = Array.from({ length: 8 }, (_, nth) => nth);

/** A list as a table: its rows, while they come, when there are none or they cannot be had, and the way to more. */
export function Items<Item>({ list, columns, id, to, search, what, empty }: Props<Item>) {
  const { search: here } = useLocation();
  const table = useRowKeys<HTMLTableElement>();
  const { data: items, isPending, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = list;
  if (error && !items) return <Failed error={error} retry={() => void refetch()} what={`the ${what}`} />;
  const none = items?.length === 0;
  if (none && !hasNextPage) return empty;
  return (
    <>
      <table ref={table} className={classes.table} aria-busy={isPending} aria-label={what}>
        <thead>
          <tr>
            {columns.map(({ header, width, align, from }) => (
              <th key={header} scope="col" style={width ? { width } : undefined} data-align={align} data-from={from}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {isPending && SKELETONS.map((nth) => <Placeholder key={nth} columns={columns} />)}
          {items?.map((item) => (
            <Row key={id(item)} item={item} columns={columns} to={to} search={search?.(item) ?? here} />
          ))}
        </tbody>
      </table>
      {none && (
        <Note title={`None among the newest ${what}`}>The filters are rare: look further back to find some.</Note>
      )}
      {hasNextPage && (
        <div className={classes.more}>
          <Button variant="default" loading={isFetchingNextPage ?? false} onClick={() => void fetchNextPage?.()}>
            Load more
          </Button>
        </div>
      )}
    </>
  );
}

interface RowProps<Item> {
  item: Item;
  columns: readonly Column<Item>[];
  to: ((item: Item) => string) | undefined;
  search: string;
}

const Row = memo(function Row<Item>({ item, columns, to, search }: RowProps<Item>) {
  return (
    <tr>
      {columns.map(({ header, cell, align, from }, nth) => (
        <td key={header} data-align={align} data-from={from}>
          {nth === 0 && to ? (
            <Link to={{ pathname: to(item), search }} className={classes.link} data-row>
              {cell(item)}
            </Link>
          ) : (
            cell(item)
          )}
        </td>
      ))}
    </tr>
  );
}) as <Item>(props: RowProps<Item>) => ReactNode;

function Placeholder<Item>({ columns }: { columns: readonly Column<Item>[] }) {
  return (
    <tr>
      {columns.map(({ header, align, from }, nth) => (
        <td key={header} data-align={align} data-from={from}>
          <Skeleton height={12} width={nth === 0 ? "55%" : "60%"} ml={align ? "auto" : 0} />
        </td>
      ))}
    </tr>
  );
}
