import { type Batch, MOST_BATCH_BYTES, type Queue } from "./queue";

const TIMEOUT_MS = 10_000;
const MOST_TRIES = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const LONGEST_RETRY_AFTER_MS = 300_000;
const KEPT = 202;

/** Sends what is in a queue, one request at a time. */
export interface Delivery {
  /** Look at the queue, at once or when something in it is due. */
  look(): void;
  /** The page may be gone soon: hand what waits to the browser, which sends it even then. */
  handOver(): void;
  stop(): void;
}

interface Outcome {
  kept: boolean;
  /** Whether the same request may be answered otherwise later. */
  again: boolean;
  /** What the server wants to be left alone for, in milliseconds. */
  retryAfter: number;
}

/**
 * Sends a queue's batches to `url`. A text body without headers of ours needs no CORS preflight. A failed request is
 * repeated at most four times, ever later and with jitter, or when Retry-After says; what then is lost, the queue notes.
 */
export function createDelivery(url: string, queue: Queue, fetcher: typeof fetch): Delivery {
  let sending: Batch | undefined;
  let unsent: Batch[] = [];
  let failures = 0;
  let quietUntil = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function look(): void {
    clearTimeout(timer);
    if (sending) return;
    const now = Date.now();
    const due = unsent.length > 0 ? now : queue.nextDue();
    if (due === undefined) return;
    const from = Math.max(due, quietUntil);
    if (from > now) {
      timer = setTimeout(look, from - now);
      return;
    }
    sending = unsent.shift() ?? queue.take(now, MOST_BATCH_BYTES);
    if (sending) void post(sending).then(settle);
  }

  /** Never rejects. */
  async function post(batch: Batch): Promise<Outcome> {
    batch.tries++;
    const abort = new AbortController();
    const late = setTimeout(() => abort.abort(), TIMEOUT_MS);
    try {
      const answer = await fetcher(url, {
        method: "POST",
        body: batch.body,
        credentials: "omit",
        keepalive: survives(batch),
        signal: abort.signal,
      });
      if (answer.status === KEPT) {
        queue.lose(await refused(answer));
        return { kept: true, again: false, retryAfter: 0 };
      }
      const again = answer.status < 400 || answer.status === 408 || answer.status === 429 || answer.status >= 500;
      const retryAfter = duration(answer.headers.get("Retry-After"));
      void answer.body?.cancel().catch(() => {});
      return { kept: false, again, retryAfter };
    } catch {
      return { kept: false, again: true, retryAfter: 0 };
    } finally {
      clearTimeout(late);
    }
  }

  function settle({ kept, again, retryAfter }: Outcome): void {
    const batch = sending as Batch;
    sending = undefined;
    failures = kept ? 0 : failures + 1;
    if (!kept) {
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
      quietUntil = Date.now() + Math.min(retryAfter, LONGEST_RETRY_AFTER_MS) + (pause / 2) * (1 + Math.random());
      if (again && batch.tries < MOST_TRIES) unsent.unshift(batch);
      else queue.lose(batch.reports);
    }
    look();
  }

  function handOver(): void {
    // The browser would take it, and lose it.
    if (navigator.onLine === false) return;
    let room = MOST_BATCH_BYTES;
    const accepted = (batch: Batch) => {
      const taken = batch.bytes <= room && navigator.sendBeacon(url, batch.body);
      if (taken) room -= batch.bytes;
      return taken;
    };
    // Sent twice, it counts once.
    if (sending && survives(sending)) room -= sending.bytes;
    else if (sending) accepted(sending);
    unsent = unsent.filter((batch) => !accepted(batch));
    const now = Date.now();
    queue.hurry(now);
    const batch = queue.take(now, room);
    if (batch && !accepted(batch)) unsent.push(batch);
    // A page that is hidden may come back.
    look();
  }

  return { look, handOver, stop: () => clearTimeout(timer) };
}

/** Whether a request outlives the page. Browsers limit the bytes of those that do, so a second try is none. */
function survives({ tries }: Batch): boolean {
  return tries === 1;
}

/** How many reports of a batch that was taken were refused, each by itself. */
async function refused(answer: Response): Promise<number> {
  try {
    const { results } = await answer.json();
    return results.filter((result: object) => "Code" in result).length;
  } catch {
    return 0;
  }
}

/** What Retry-After says, in milliseconds: it holds seconds or a date. */
function duration(retryAfter: string | null): number {
  if (!retryAfter) return 0;
  const seconds = Number(retryAfter);
  const pause = Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1_000;
  return Math.max(pause, 0) || 0;
}
