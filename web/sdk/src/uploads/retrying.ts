import { Cancelled, UploadError } from "./errors";

const MOST_TRIES = 4;
const FIRST_PAUSE_MS = 1_000;

/** Who waits for something that is tried several times. */
export interface Patience {
  /** Ends the waiting. */
  signal: AbortSignal | undefined;
  /** Told of an error after which it is tried again. */
  onTrouble(error: UploadError): void;
}

/**
 * Do something up to four times, ever later and with jitter, as long as its error says that this may help. Rejects with
 * the last error, or with Cancelled.
 */
export async function retrying<T>(attempt: () => Promise<T>, { signal, onTrouble }: Patience): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof UploadError)) throw error;
      error.facts.tries = tries;
      if (tries === MOST_TRIES || !error.transient) throw error;
      onTrouble(error);
      const pause = FIRST_PAUSE_MS * 2 ** (tries - 1);
      await wait((error.facts.retryAfter ?? 0) + (pause / 2) * (1 + Math.random()), signal);
    }
  }
}

/** Rejects with Cancelled as soon as `signal` says so. */
function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Cancelled());
    const onAbort = () => {
      clearTimeout(timer);
      reject(new Cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
