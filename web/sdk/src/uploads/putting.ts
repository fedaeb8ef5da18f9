import { Cancelled, inWords, NO_CONNECTION, TOO_SLOW, UploadError } from "./errors";

const STALLED_AFTER_MS = 30_000;
const MOST_ANSWER = 2_000;

export interface Put {
  /** What is sent, for messages: "the file", "part 2 of 7". */
  what: string;
  url: string;
  body: Blob;
  headers: Record<string, string>;
  onProgress(sentBytes: number): void;
  signal: AbortSignal | undefined;
  XMLHttpRequest?: typeof XMLHttpRequest | undefined;
}

/**
 * Send a file or a part of one to the store. It may take as long as it needs while something moves. Rejects with
 * UploadError, or with Cancelled. `fetch` cannot tell how far it is.
 */
export function put({ what, url, body, headers, onProgress, signal, ...own }: Put): Promise<void> {
  const request = new (own.XMLHttpRequest ?? XMLHttpRequest)();
  return new Promise((resolve, reject) => {
    let stalled: ReturnType<typeof setTimeout>;
    const done = (finish: () => void) => {
      clearTimeout(stalled);
      signal?.removeEventListener("abort", onAbort);
      finish();
    };
    const onAbort = () => {
      request.abort();
      done(() => reject(new Cancelled()));
    };
    const onStalled = () => {
      request.abort();
      const detail = `PUT of ${what} to the store made no progress for ${STALLED_AFTER_MS / 1_000} s`;
      done(() => reject(new UploadError("timeout", TOO_SLOW, { detail })));
    };
    const moving = () => {
      clearTimeout(stalled);
      stalled = setTimeout(onStalled, STALLED_AFTER_MS);
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort);
    request.upload.onprogress = ({ loaded }) => {
      moving();
      onProgress(loaded);
    };
    request.onload = () => done(() => (request.status < 300 ? resolve() : reject(refusal(what, request))));
    request.onerror = () => {
      const detail = `PUT of ${what} to the store got no answer`;
      done(() => reject(new UploadError("network", NO_CONNECTION, { detail })));
    };
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    moving();
    request.send(body);
  });
}

function refusal(what: string, { status, responseText }: XMLHttpRequest): UploadError {
  const code = responseText.match(/<Code>([^<]{1,100})</)?.[1];
  return new UploadError("http", inWords(status === 403 ? 0 : status), {
    detail: `PUT of ${what} to the store was answered ${[status, code].filter(Boolean).join(" ")}`,
    status,
    code,
    answer: responseText.slice(0, MOST_ANSWER),
  });
}
