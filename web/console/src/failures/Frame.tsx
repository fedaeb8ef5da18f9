import { ActionIcon, SegmentedControl } from "@mantine/core";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { useFilters } from "../ui/filters";
import { Live } from "../ui/Live";
import { Toolbar } from "../ui/Page";
import classes from "./Frame.module.css";
import { FILTERS, searchOf, type View, WINDOWS } from "./views";

interface Related {
  view: View;
  label: string;
}

interface Props {
  query: { error: Error | null; isError: boolean; dataUpdatedAt: number };
  /** Where the same dimension leads as well. */
  related?: readonly Related[];
  children: ReactNode;
}

/** A report under what it is of: how far back it goes, and what it is narrowed to. */
export function Frame({ query, related = [], children }: Props) {
  const [{ hours = WINDOWS[0].value, dimension }, change] = useFilters(FILTERS);
  const { search } = useLocation();
  return (
    <>
      <Toolbar aside={<Live query={query} />}>
        <SegmentedControl
          aria-label="How far back"
          value={hours}
          onChange={(chosen) =>
            change({ hours: chosen === WINDOWS[0].value ? undefined : FILTERS.hours.find((each) => each === chosen) })
          }
          data={[...WINDOWS]}
        />
        {dimension && (
          <span className={classes.narrowed}>
            <span className="mono truncate" title={dimension}>
              {dimension}
            </span>
            <ActionIcon size="xs" aria-label="Show all" onClick={() => change({ dimension: undefined })}>
              <X size={12} />
            </ActionIcon>
          </span>
        )}
        {dimension &&
          related.map(({ view, label }) => (
            <Link key={view} className={classes.related} to={{ search: searchOf(search, view, dimension) }}>
              {label}
            </Link>
          ))}
      </Toolbar>
      {children}
    </>
  );
}
