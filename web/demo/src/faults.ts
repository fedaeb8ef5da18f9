/** Ways to make uploads fail. */
export type Fault = keyof typeof FAULTS;

/** What each does, in words for the page. */
export const FAULTS = {
  none: ["Nothing fails", "Uploads go through."],
  offline: ["No network", "Every request fails, as in a lift."],
  silent: ["A server that never answers", "Given up after 20 seconds, tried four times."],
  refused: ["The API refuses", "403 Forbidden."],
  broken: ["The API is broken", "503 ServiceUnavailable, four times."],
  nonsense: ["A malformed answer", "200, but HTML instead of JSON."],
  expired: ["An upload URL has expired", "403 once: the SDK asks for a new one, and goes on."],
  store: ["The store refuses the file", "403 AccessDenied, also with a new URL."],
  interrupted: ["The connection breaks half-way", "Four times. Switch it off and retry: it resumes."],
  large: ["The file is too large", "The API is told 3 GB: a real 413."],
  type: ["The wrong type of file", "The API is told that it is a PDF: a real 400."],
} as const;

type Wrapped = { fetch: typeof fetch; XMLHttpRequest: typeof XMLHttpRequest };

/** What the SDK is handed in place of the browser's own: it fails as `fault` says at the time of each request. */
export function faulty(fault: () => Fault): Wrapped {
  return {
    fetch: async (input, init) => {
      switch (fault()) {
        case "offline":
          throw new TypeError("Failed to fetch");
        case "silent":
          return never(init?.signal);
        case "refused":
          return answer(403, { Code: "Forbidden", Message: "Uploads are not allowed here." });
        case "broken":
          return answer(503, { Code: "ServiceUnavailable", Message: "The service is busy; try again later." });
        case "nonsense":
          return new Response("<!doctype html><title>Welcome to the hotel's Wi-Fi</title>");
        case "large":
          return declaring(input, init, { size_bytes: 3 * 1024 ** 3 });
        case "type":
          return declaring(input, init, { content_type: "application/pdf" });
        default:
          return fetch(input, init);
      }
    },
    XMLHttpRequest: faultyRequest(fault),
  };
}

/** A request to the store that is sent as usual, or ends by itself. */
function faultyRequest(fault: () => Fault): typeof XMLHttpRequest {
  let expired = false;
  return class extends XMLHttpRequest {
    private refusal = "";

    override get status(): number {
      return this.refusal ? 403 : super.status;
    }

    override get responseText(): string {
      return this.refusal
        ? `<Error><Code>AccessDenied</Code><Message>${this.refusal}</Message></Error>`
        : super.responseText;
    }

    override send(body?: XMLHttpRequestBodyInit | null): void {
      const now = fault();
      if (now === "expired") expired = !expired;
      if (now === "interrupted") this.breakHalfWay();
      if (now === "offline") this.end("error");
      else if (now === "store") this.refuse("Access Denied");
      else if (now === "expired" && expired) this.refuse("Request has expired");
      else super.send(body);
    }

    private breakHalfWay(): void {
      this.upload.addEventListener("progress", ({ loaded, total }) => {
        if (loaded < total / 2) return;
        this.abort();
        this.end("error");
      });
    }

    private refuse(message: string): void {
      this.refusal = message;
      this.end("load");
    }

    private end(how: "load" | "error"): void {
      queueMicrotask(() => this.dispatchEvent(new ProgressEvent(how)));
    }
  };
}

function answer(status: number, body: object): Response {
  const headers = { "Content-Type": "application/json", "X-Correlation-Id": `demo-${crypto.randomUUID()}` };
  return new Response(JSON.stringify(body), { status, headers });
}

/** A request that only its sender ends. */
function never(signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
}

/** Begins uploads with other facts about the file, also those that could be resumed. */
async function declaring(input: RequestInfo | URL, init: RequestInit | undefined, facts: object): Promise<Response> {
  if (String(input).endsWith("/upload"))
    return answer(404, { Code: "MediaNotFound", Message: "There is no such media." });
  if (!String(input).endsWith("/media")) return fetch(input, init);
  return fetch(input, { ...init, body: JSON.stringify({ ...JSON.parse(String(init?.body)), ...facts }) });
}
