import { type Plain, plain } from "./plain";

const MOST_BODY_BYTES = 8_192;
const MOST_BODY_MS = 5_000;
const MOST_MESSAGE = 500;

/** How a request failed. */
export type FailureKind = "network" | "timeout" | "http" | "malformed";

/** A failed request, in words and in figures. */
export interface FailedRequest {
  kind: FailureKind;
  /** One sentence: the request, and what became of it. */
  error_message: string;
  method: string;
  /** Without its query, which may hold secrets. */
  url?: string;
  http_status?: number;
  /** What the backend calls its error. */
  code?: string;
  correlation_id?: string;
  body?: Plain;
}

/** What is known of a request beside its answer. */
export interface RequestFacts {
  /** Default: GET. */
  method?: string | undefined;
  /** Default: the answer's. */
  url?: string | undefined;
  /** The answer's body, where it has been read already. */
  body?: unknown;
}

/**
 * Describe a request that failed: by a Response that is an error or malformed, or by what `fetch` rejected with. Undefined
 * when the caller gave it up. Reads at most 8 KB of a copy of the body; the caller's own stays unread.
 */
export async function describeFailure(failure: unknown, facts: RequestFacts): Promise<FailedRequest | undefined> {
  const method = (facts.method ?? "GET").toUpperCase();
  const response = failure instanceof Response ? failure : undefined;
  const url = withoutQuery(facts.url ?? response?.url);
  const request = `${method} ${url ? pathOf(url) : "request"}`;
  const known = { method, ...(url && { url }) };
  if (!response) {
    const { name, message } = Object(failure) as Partial<Error>;
    if (name === "AbortError") return undefined;
    if (name === "TimeoutError") return { ...known, kind: "timeout", error_message: `${request} took too long` };
    const words = String(message ?? plain(failure, MOST_MESSAGE));
    const kind = name === "SyntaxError" ? "malformed" : "network";
    const what = kind === "network" ? "got no answer" : "was answered with something that is not JSON";
    return { ...known, kind, error_message: `${request} ${what}: ${words}`.slice(0, MOST_MESSAGE) };
  }
  const body = await bodyOf(response, facts.body);
  const { code, message } = said(body);
  const answered = response.ok ? "with something unexpected" : response.status;
  const words = [code, message].filter(Boolean).join(": ");
  const correlation = response.headers.get("X-Correlation-Id");
  return {
    ...known,
    kind: response.ok ? "malformed" : response.status === 0 ? "network" : "http",
    error_message: `${request} was answered ${answered}${words && ` ${words}`}`.slice(0, MOST_MESSAGE),
    ...(response.status > 0 && { http_status: response.status }),
    ...(code && { code }),
    ...(correlation && { correlation_id: correlation }),
    ...(body !== undefined && { body }),
  };
}

async function bodyOf(response: Response, given: unknown): Promise<Plain | undefined> {
  if (given !== undefined) return plain(given, MOST_BODY_BYTES);
  if (response.bodyUsed || !response.body) return undefined;
  const text = await beginning(response.clone());
  try {
    return plain(JSON.parse(text), MOST_BODY_BYTES);
  } catch {
    return text;
  }
}

async function beginning(copy: Response): Promise<string> {
  const reader = copy.body?.getReader();
  if (!reader) return "";
  const late = setTimeout(() => void reader.cancel(), MOST_BODY_MS);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < MOST_BODY_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // What has come so far is what is known.
  } finally {
    clearTimeout(late);
    void reader.cancel().catch(() => {});
  }
  return text.slice(0, MOST_BODY_BYTES);
}

/** What an error body says, in the forms that backends use: ours, problem details, lists of errors, S3's XML. */
function said(body: Plain | undefined): { code?: string; message?: string } {
  if (typeof body === "string") {
    const tag = (name: string) => body.match(`<${name}>([^<]{1,200})</${name}>`)?.[1];
    return { ...pick("code", tag("Code")), ...pick("message", tag("Message")) };
  }
  if (Array.isArray(body)) return said(body[0]);
  if (!body) return {};
  const { error, errors, detail } = body as Record<string, Plain>;
  for (const inner of [error, errors, detail]) if (inner && typeof inner === "object") return said(inner);
  const first = (...names: string[]) => names.map((name) => (body as Record<string, Plain>)[name]).find(isText);
  return {
    ...pick("code", first("Code", "code", "error_code", "type")),
    ...pick("message", first("Message", "message", "error_description", "error", "detail", "title", "msg")),
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function pick(name: "code" | "message", value: string | undefined): { code?: string; message?: string } {
  return value ? { [name]: value.slice(0, MOST_MESSAGE) } : {};
}

function withoutQuery(url: string | undefined): string {
  return (url ?? "").split(/[?#]/, 1)[0] as string;
}

function pathOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/]*/i, "") || "/";
}
