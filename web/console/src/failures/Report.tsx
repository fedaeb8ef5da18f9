import type { UseQueryResult } from "@tanstack/react-query";
import { SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { useLocation } from "react-router";
import { useFilters } from "../ui/filters";
import { type Column, Items } from "../ui/Items";
import { Note } from "../ui/Note";
import { Frame } from "./Frame";
import classes from "./Report.module.css";
import { FILTERS, searchOf, type View } from "./views";

interface Props<Line> {
  view: View;
  query: UseQueryResult<{ items: Line[]; more?: boolean }>;
  columns: readonly Column<Line>[];
  id: (line: Line) => string;
  /** What a line's report is narrowed to when it is chosen. Constant; without it lines lead nowhere. */
  narrows?: (line: Line) => string;
  /** Where what it is narrowed to leads as well. */
  related?: readonly { view: View; label: string }[];
  /** What the report is of: `endpoints`. */
  what: string;
  /** How something comes to be in it. */
  how: ReactNode;
  /** What stands above the table. */
  children?: ReactNode;
}

/** A report as a table; choosing a line narrows it to that. */
export function Report<Line>({ view, query, columns, id, narrows, related, what, how, children }: Props<Line>) {
  const [{ dimension }] = useFilters(FILTERS);
  const { search } = useLocation();
  const { data, isPending, error, refetch } = query;
  return (
    <Frame query={query} {...(related && { related })}>
      {children}
      <Items
        list={{ data: data?.items, isPending, error, refetch }}
        columns={columns}
        id={id}
        {...(narrows && !dimension && { to: here, search: (line: Line) => searchOf(search, view, narrows(line)) })}
        what={what}
        empty={
          <Note title={`No ${what} in this time`} icon={<SearchX size={24} color="var(--dim)" aria-hidden />}>
            {how}
          </Note>
        }
      />
      {data?.more && (
        <p className={classes.more}>There is more than is shown here: a shorter time, or fewer of it, shows all.</p>
      )}
    </Frame>
  );
}

function here(): string {
  return "/failures";
}
