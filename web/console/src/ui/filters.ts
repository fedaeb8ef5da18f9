import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

/** What the filters of a list may be: any text, or one of some words. */
export type Shape = Readonly<Record<string, "text" | readonly string[]>>;

/** The filters that are set. */
export type Filters<S extends Shape> = {
  [Name in keyof S]?: S[Name] extends readonly (infer Word)[] ? Word : string;
};

/** Filters to set; what is undefined or empty is taken away. */
export type Changes<S extends Shape> = { [Name in keyof S]?: Filters<S>[Name] | undefined };

/**
 * The filters of a list as the URL has them, and what changes them there: a link shows the same list to everybody. Where
 * any is set, the third takes them all away.
 */
export function useFilters<S extends Shape>(
  shape: S,
): [Filters<S>, (changes: Changes<S>) => void, (() => void) | undefined] {
  const [params, setParams] = useSearchParams();
  const filters = useMemo(() => read(params, shape), [params, shape]);
  const change = useCallback(
    (changes: Changes<S>) => setParams((before) => written(before, changes), { replace: true }),
    [setParams],
  );
  const clear = useCallback(
    () => setParams((before) => written(before, nothing(shape)), { replace: true }),
    [setParams, shape],
  );
  return [filters, change, Object.keys(filters).length > 0 ? clear : undefined];
}

/** The filters in search parameters; a word that there is not is left out, as nothing would match it. */
export function read<S extends Shape>(params: URLSearchParams, shape: S): Filters<S> {
  const found: Record<string, string> = {};
  for (const [name, words] of Object.entries(shape)) {
    const value = params.get(name)?.trim();
    if (value && (words === "text" || words.includes(value))) found[name] = value;
  }
  return found as Filters<S>;
}

/** Search parameters with filters changed in them, and all else as it was. */
export function written<S extends Shape>(params: URLSearchParams, changes: Changes<S>): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
}

function nothing<S extends Shape>(shape: S): Changes<S> {
  return Object.fromEntries(Object.keys(shape).map((name) => [name, undefined])) as Changes<S>;
}
