/** At which step an upload failed: looking at the file, beginning, sending it to the store, completing. */
export type UploadStep = "check" | "begin" | "send" | "complete";

/** In which way: nobody answered, too slowly, an error was answered, nonsense was, or the file is none to upload. */
export type UploadFailure = "network" | "timeout" | "http" | "malformed" | "file";

/** What is known of a failure. */
export interface UploadFacts {
  /** What happened, for engineers; `message` is for the customer. */
  detail: string;
  status?: number | undefined;
  /** What the backend or the store calls its error. */
  code?: string | undefined;
  correlationId?: string | undefined;
  /** What was answered: the JSON, or the beginning of the text. */
  answer?: unknown;
  /** When to try again, in milliseconds, where the server said so. */
  retryAfter?: number | undefined;
  /** How often it was tried. */
  tries?: number | undefined;
}

/** Why a file could not be uploaded. `message` is a sentence for the customer. */
export class UploadError extends Error {
  override readonly name = "UploadError";

  constructor(
    readonly failure: UploadFailure,
    message: string,
    readonly facts: UploadFacts,
  ) {
    super(message);
  }

  /** Whether the same may go well if it is tried again. */
  get transient(): boolean {
    const { status = 0, retryAfter = 0 } = this.facts;
    if (this.failure === "file" || retryAfter > LONGEST_WAIT_MS) return false;
    return this.failure !== "http" || status === 408 || status === 429 || status >= 500;
  }
}

/** Who has to wait longer is told so instead. */
export const LONGEST_WAIT_MS = 30_000;

/** The upload was cancelled, which is no failure. */
export class Cancelled extends Error {
  override readonly name = "AbortError";
}

/** What to tell the customer of an answer. `said` is what the server has to say, to whoever made the request. */
export function inWords(status: number, said?: string): string {
  if (status === 401) return "You have been signed out. Sign in again, then retry.";
  if (status === 403) return "You are not allowed to upload this here.";
  if (status === 413) return "This file is too large to be uploaded.";
  if (status === 408 || status >= 500) return "The server has trouble just now. Try again in a few minutes.";
  // Of limits and lost uploads the server speaks to people.
  return (status === 409 || status === 429) && said ? said : "The server did not take this file. Choose another one.";
}

export const NO_CONNECTION = "The connection was lost. Check that you are online, then retry.";
export const TOO_SLOW = "The connection is too slow just now. Retry when it is better.";
export const NONSENSE = "The server gave an answer that makes no sense. Try again in a few minutes.";
