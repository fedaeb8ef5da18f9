const MOST_DEPTH = 8;
const MOST_ENTRIES = 100;
const MOST_BITS = 256;
// What each value costs besides its text: commas and brackets, and what numbers are on average.
const EACH = 9;
const UNREADABLE = "[unreadable]";

/** What JSON can hold. */
export type Plain = string | number | boolean | null | Plain[] | { [name: string]: Plain };

/**
 * A copy of anything that JSON can hold, of about `most` characters: what is longer, deeper or refers to itself is cut,
 * and says so. Never throws, and takes no longer for what is huge.
 */
export function plain(value: unknown, most: number): Plain {
  const above: object[] = [];
  let left = most;

  function text(given: string): string {
    const kept = given.length <= left ? given : `${given.slice(0, Math.max(left, 0))}…`;
    left -= kept.length;
    return kept;
  }

  // Reading a property runs code of the caller's: a getter, a proxy, a toJSON.
  function copy(read: () => unknown): Plain | undefined {
    try {
      const given = read();
      left -= EACH;
      if (typeof given === "string") return text(given);
      if (typeof given === "boolean" || given === null || Number.isFinite(given)) return given as Plain;
      if (typeof given === "number") return String(given);
      if (typeof given === "bigint") return BigInt.asIntN(MOST_BITS, given) === given ? String(given) : "[huge]";
      return typeof given === "object" ? inside(given) : undefined;
    } catch {
      return UNREADABLE;
    }
  }

  function inside(given: object): Plain | undefined {
    if (above.includes(given)) return "[circular]";
    if (above.length === MOST_DEPTH) return "[too deep]";
    above.push(given);
    try {
      const own = given as Record<string, unknown>;
      const { toJSON } = own;
      if (typeof toJSON === "function") return copy(() => toJSON.call(given));
      if (ArrayBuffer.isView(given) || "nodeType" in given) return Object.prototype.toString.call(given);
      return Array.isArray(given) ? list(given) : record(own);
    } finally {
      above.pop();
    }
  }

  function list(given: unknown[]): Plain[] {
    const kept: Plain[] = [];
    for (let index = 0; index < given.length; index++) {
      if (index === MOST_ENTRIES || left <= 0) {
        kept.push(`… ${given.length - index} more`);
        break;
      }
      kept.push(copy(() => given[index]) ?? null);
    }
    return kept;
  }

  function record(given: Record<string, unknown>): Plain {
    const kept: { [name: string]: Plain } = {};
    // What matters in an error is not enumerable.
    const names = [...(given instanceof Error ? ["name", "message", "stack", "cause"] : []), ...Object.keys(given)];
    for (const [index, name] of names.entries()) {
      if (index === MOST_ENTRIES || left <= 0) {
        kept._more = names.length - index;
        break;
      }
      const key = text(name);
      const value = copy(() => given[name]);
      if (value !== undefined) kept[key] = value;
    }
    return kept;
  }

  return copy(() => value) ?? null;
}
