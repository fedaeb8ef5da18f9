import { Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/error";
import { Failed } from "./Failed";
import { Note } from "./Note";
import { Page } from "./Page";

interface Props<Thing> {
  query: UseQueryResult<Thing>;
  /** What it is, in a word: `task`. */
  what: string;
  up: { to: string; label: string };
  /** Why it may be gone, and what to do. */
  gone: string;
  /** The whole page, once there is something to show. */
  children: (thing: Thing) => ReactNode;
}

/** The page of one thing, or what stands there while it comes, when it is gone or cannot be read. */
export function Detail<Thing>({ query: { data, error, refetch }, what, up, gone, children }: Props<Thing>) {
  const missing = error instanceof ApiError && error.status === 404;
  if (data && !missing) return children(data);
  return (
    <Page title={`${what.charAt(0).toUpperCase()}${what.slice(1)}`} up={up}>
      {missing && <Note title={`This ${what} is not there`}>{gone}</Note>}
      {error && !missing && <Failed error={error} retry={() => void refetch()} what={`the ${what}`} />}
      {!error && <Skeleton height={420} mt={40} />}
    </Page>
  );
}
