import { newId } from "./ids";
import type { Plain } from "./plain";

/** Browsers let 64 KB of beacons be under way; what the page itself sends must fit, too. */
export const MOST_BATCH_BYTES = 60_000;
const MOST_BATCH_REPORTS = 30;
const MOST_WAITING = 100;
const MOST_WAITING_CHARACTERS = 256_000;
const MOST_TIMES = 10;
const GATHER_MS = 1_000;
const WINDOW_MS = 10_000;
const AROUND_BATCH = '{"reports":[]}'.length;

/** A report as sent, but for what tells its occurrences apart. */
export interface Fields {
  error_key: string;
  description: { [name: string]: Plain };
  [name: string]: Plain;
}

/** A request's body. It stays as it is when it is sent again, so that its events count once. */
export interface Batch {
  body: string;
  bytes: number;
  /** How many reports it stands for, with those that it only tells the number of. */
  reports: number;
  /** How often it was sent. */
  tries: number;
}

/** Reports that wait to be sent. */
export interface Queue {
  add(fields: Fields, now: number): void;
  /** Note that so many reports were not kept. */
  lose(reports: number): void;
  /** When there is something to send next, in milliseconds; undefined when nothing waits. */
  nextDue(): number | undefined;
  /** Let all that waits be sent now. */
  hurry(now: number): void;
  /** Once something is due, take it and what soon will be, as much as fits into one request of at most `mostBytes`. */
  take(now: number, mostBytes: number): Batch | undefined;
}

interface Entry {
  fields: Fields;
  /** When the same happened and has not been sent yet. */
  times: string[];
  /** How often more than that. */
  repeated: number;
  /** When it may be sent, in milliseconds. */
  due: number;
}

const utf8 = new TextEncoder();

/** The size of a text as sent, in bytes. */
export function bytesOf(text: string): number {
  return utf8.encode(text).length;
}

/**
 * A queue that keeps equal reports once, with the times at which they happened: up to ten in ten seconds are sent and
 * counted one by one; if there were more, the last of them says how many in `description._repeated`. When the queue is
 * full the oldest stay, because they tell the cause, and the next report that is sent says in `description._lost` how
 * many are not.
 */
export function createQueue(): Queue {
  const entries = new Map<string, Entry>();
  let characters = 0;
  let lost = 0;

  function fits(key: string): boolean {
    return entries.size < MOST_WAITING && characters + key.length <= MOST_WAITING_CHARACTERS;
  }

  /** An entry outlives its sending, so that its window holds. */
  function forgetSent(dueBy: number): void {
    for (const [key, { times, due }] of entries) {
      if (times.length > 0 || due > dueBy) continue;
      entries.delete(key);
      characters -= key.length;
    }
  }

  function rendered({ fields, times, repeated }: Entry): string {
    const description = {
      ...fields.description,
      ...(times.length === 1 && repeated > 0 && { _repeated: repeated }),
      ...(lost > 0 && { _lost: lost }),
    };
    return JSON.stringify({ ...fields, description, event_id: newId(), occurred_at: times[0] });
  }

  function nextDue(): number | undefined {
    const dues = [...entries.values()].filter(({ times }) => times.length > 0).map(({ due }) => due);
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  return {
    nextDue,

    add(fields, now) {
      const key = JSON.stringify(fields);
      const at = new Date(now).toISOString();
      const same = entries.get(key);
      if (same) {
        if (same.times.length < MOST_TIMES) same.times.push(at);
        else same.repeated++;
        return;
      }
      if (!fits(key)) forgetSent(Number.POSITIVE_INFINITY);
      if (!fits(key)) {
        lost++;
        return;
      }
      entries.set(key, { fields, times: [at], repeated: 0, due: now + GATHER_MS });
      characters += key.length;
    },

    lose(reports) {
      lost += reports;
    },

    hurry(now) {
      for (const entry of entries.values()) entry.due = Math.min(entry.due, now);
    },

    take(now, mostBytes) {
      if ((nextDue() ?? Number.POSITIVE_INFINITY) > now) return undefined;
      const rows: string[] = [];
      let bytes = AROUND_BATCH;
      let reports = 0;
      for (const entry of entries.values()) {
        while (entry.due <= now + GATHER_MS && entry.times.length > 0) {
          const row = rendered(entry);
          const size = bytesOf(row) + 1;
          if (rows.length === MOST_BATCH_REPORTS || bytes + size > mostBytes) break;
          rows.push(row);
          bytes += size;
          reports += 1 + lost;
          lost = 0;
          entry.times.shift();
          if (entry.times.length > 0) continue;
          reports += entry.repeated;
          entry.repeated = 0;
          entry.due = now + WINDOW_MS;
        }
      }
      forgetSent(now);
      return rows.length > 0 ? { body: `{"reports":[${rows.join()}]}`, bytes, reports, tries: 0 } : undefined;
    },
  };
}
