import { ApiError } from "./error";

/** What polling knows of a query of any kind. */
interface Polled {
  state: { data: unknown; status: string; error: Error | null; dataUpdatedAt: number; errorUpdatedAt: number };
}

const MOST_MS = 120_000;
const RETRIES = 2;

/**
 * A `refetchInterval` of so many seconds. While answers fail it waits as long again as they have been failing, up to two
 * minutes, and at least what `Retry-After` asks for; a list of several pages is asked for that much less often.
 */
export function every(seconds: number): (query: Polled) => number {
  return ({ state }) => {
    const interval = seconds * 1000 * pagesOf(state.data);
    if (state.status !== "error") return interval;
    const failingFor = Math.min(state.errorUpdatedAt - state.dataUpdatedAt, MOST_MS);
    return Math.max(interval, failingFor, askedFor(state.error));
  };
}

/**
 * Whether a query is asked again when somebody comes back to the page, or the network does: not before the time that
 * `Retry-After` asked for is over.
 */
export function onReturn({ state }: Polled): boolean {
  return Date.now() >= state.errorUpdatedAt + askedFor(state.error);
}

/** Whether a call that failed so often already is worth another try at once. */
export function retry(failures: number, error: Error): boolean {
  if (failures >= RETRIES || !(error instanceof ApiError)) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/** Milliseconds until that try. */
export function retryDelay(failures: number, error: Error): number {
  return Math.max(1000 * 2 ** failures, askedFor(error));
}

function askedFor(error: Error | null): number {
  return error instanceof ApiError ? (error.retryAfter ?? 0) * 1000 : 0;
}

function pagesOf(data: unknown): number {
  const pages = (data as { pages?: unknown[] } | undefined)?.pages;
  return Array.isArray(pages) ? Math.max(1, pages.length) : 1;
}
