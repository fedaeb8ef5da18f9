import { Cancelled, inWords, NO_CONNECTION, NONSENSE, TOO_SLOW, UploadError } from "./errors";
import { type Patience, retrying } from "./retrying";

const TIMEOUT_MS = 20_000;
const MOST_ANSWER = 2_000;

/** Where a file goes: in one piece or in parts. */
export type Destination =
  | { kind: "single"; url: string; headers: Record<string, string> }
  | { kind: "multipart"; part_size_bytes: number; parts: { part_number: number; url: string }[] };

/** A media that awaits its file. */
export interface BegunUpload {
  media_id: string;
  upload: Destination;
}

/** A file that is about to be uploaded. */
export interface NewMedia {
  file_name: string;
  content_type: string;
  size_bytes: number;
  context?: Record<string, unknown> | undefined;
}

/** The media calls of the API that an upload needs. They reject with UploadError, or with Cancelled. */
export interface Media {
  begin(media: NewMedia, idempotencyKey: string): Promise<BegunUpload>;
  /** Fresh URLs. */
  renew(mediaId: string): Promise<BegunUpload>;
  /** The numbers and sizes of the parts that the store holds. */
  parts(mediaId: string): Promise<Map<number, number>>;
  complete(mediaId: string): Promise<void>;
  /** Give the upload up. */
  abort(mediaId: string): Promise<void>;
}

export interface MediaOptions {
  /** Where the API is, such as `https://api.example.com/prod`. */
  endpoint: string;
  /** The customer's bearer token, asked for each call. */
  token: () => string | Promise<string>;
  /** Default: the browser's. */
  fetch?: typeof fetch | undefined;
}

/** The calls, tried again where that may help. */
export function createMedia(options: MediaOptions, patience: Patience): Media {
  const { signal } = patience;
  const endpoint = options.endpoint.replace(/\/+$/, "");

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const request = `${method} ${path}`;
    const authorization = `Bearer ${await signedIn(options)}`;
    const abort = new AbortController();
    const onAbort = () => abort.abort();
    const late = setTimeout(onAbort, TIMEOUT_MS);
    signal?.addEventListener("abort", onAbort);
    try {
      if (signal?.aborted) throw new Cancelled();
      const answer = await (options.fetch ?? fetch)(endpoint + path, {
        method,
        body: body === undefined ? null : JSON.stringify(body),
        headers: { Authorization: authorization, "Content-Type": "application/json", ...headers },
        signal: abort.signal,
      });
      return read(request, answer, await answer.text());
    } catch (error) {
      if (signal?.aborted) throw new Cancelled();
      if (error instanceof UploadError) throw error;
      if (abort.signal.aborted) {
        throw new UploadError("timeout", TOO_SLOW, { detail: `${request} got no answer in ${TIMEOUT_MS / 1_000} s` });
      }
      throw new UploadError("network", NO_CONNECTION, { detail: `${request} got no answer: ${error}` });
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async function begun(request: () => Promise<unknown>): Promise<BegunUpload> {
    return retrying(async () => {
      const found = (await request()) as Partial<BegunUpload> | null;
      if (found?.media_id && isDestination(found.upload)) return found as BegunUpload;
      throw new UploadError("malformed", NONSENSE, { detail: "The upload that was begun has no id or no URLs" });
    }, patience);
  }

  return {
    begin: (media, key) => begun(() => call("POST", "/media", media, { "Idempotency-Key": key })),
    renew: (mediaId) => begun(() => call("POST", `/media/${mediaId}/upload`)),
    async parts(mediaId) {
      const { parts } = (await retrying(() => call("GET", `/media/${mediaId}/parts`), patience)) as {
        parts?: { part_number: number; size_bytes: number }[];
      };
      return new Map(parts?.map(({ part_number, size_bytes }) => [part_number, size_bytes]));
    },
    async complete(mediaId) {
      await retrying(() => call("POST", `/media/${mediaId}/complete`), patience);
    },
    async abort(mediaId) {
      await call("POST", `/media/${mediaId}/abort`);
    },
  };
}

async function signedIn({ token }: MediaOptions): Promise<string> {
  try {
    return await token();
  } catch (error) {
    throw new UploadError("http", inWords(401), { detail: `There is no token: ${error}` });
  }
}

function read(request: string, answer: Response, text: string): unknown {
  const { status, headers } = answer;
  let body: Record<string, unknown> | null = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    if (answer.ok) {
      const detail = `${request} was answered ${status} with something that is not JSON`;
      throw new UploadError("malformed", NONSENSE, { detail, status, answer: text.slice(0, MOST_ANSWER) });
    }
  }
  if (answer.ok) return body;
  const { Code, Message } = (body ?? {}) as { Code?: string; Message?: string };
  throw new UploadError("http", inWords(status, Message), {
    detail: `${request} was answered ${[status, Code].filter(Boolean).join(" ")}${Message ? `: ${Message}` : ""}`,
    status,
    code: Code,
    correlationId: headers.get("X-Correlation-Id") ?? undefined,
    answer: body ?? text.slice(0, MOST_ANSWER),
    retryAfter: Number(headers.get("Retry-After")) * 1_000 || undefined,
  });
}

function isDestination(upload: unknown): upload is Destination {
  const { kind, url, parts } = Object(upload);
  return (kind === "single" && typeof url === "string") || (kind === "multipart" && Array.isArray(parts));
}
