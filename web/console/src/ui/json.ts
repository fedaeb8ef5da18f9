export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const PREVIEW = 60;

/** The members of an object or list by their names or places; null for what has none. */
export function members(value: Json): [name: string, value: Json][] | null {
  if (Array.isArray(value)) return value.map((each: Json, nth) => [String(nth), each]);
  if (typeof value === "object" && value !== null) return Object.entries(value);
  return null;
}

/** What a closed object or list says of itself in a line: `{ plan: "family", items: [2] }`. */
export function preview(value: Json): string {
  const found = members(value);
  if (!found || Array.isArray(value)) return brief(value);
  let line = "";
  for (const [name, each] of found) {
    const next = `${line}${line && ", "}${name}: ${brief(each)}`;
    if (next.length > PREVIEW) return `{ ${line ? `${line}, ` : ""}… }`;
    line = next;
  }
  return line ? `{ ${line} }` : "{}";
}

/** A value in words: texts as they are, all else as `preview` has it. Whatever anybody sent, it does not throw. */
export function words(value: Json): string {
  return typeof value === "string" ? value : preview(value);
}

function brief(value: Json): string {
  const found = members(value);
  if (!found) return JSON.stringify(value);
  if (Array.isArray(value)) return found.length > 0 ? `[${found.length}]` : "[]";
  return found.length > 0 ? "{…}" : "{}";
}

/** How deep a value is opened at first: wholly where that is short, else its first level. */
export function openTo(value: Json): number {
  return count(value, 40) <= 40 ? Number.POSITIVE_INFINITY : 1;
}

/** The values within a value, up to somewhat more than `most`. */
function count(value: Json, most: number): number {
  let total = 1;
  for (const [, each] of members(value) ?? []) {
    total += count(each, most - total);
    if (total > most) break;
  }
  return total;
}
