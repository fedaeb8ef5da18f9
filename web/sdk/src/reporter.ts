import { listen } from "./capture";
import { createDelivery } from "./delivery";
import { describeFailure, type RequestFacts } from "./failed-request";
import { type Plain, plain } from "./plain";
import { bytesOf, createQueue, type Fields } from "./queue";

const MOST_KEY = 100;
const MOST_REPORT_BYTES = 48_000;
/** Characters to keep of a report. One character takes at most six bytes, so the last of these fits in any case. */
const MOST_CHARACTERS = [32_000, MOST_REPORT_BYTES / 8];

export type Severity = "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";

/** What else to tell of a failure; `undefined` is as good as left out. The names are those of the API. */
export interface ReportOptions {
  /** Default: MEDIUM. */
  severity?: Severity | undefined;
  environment?: string | undefined;
  release?: string | undefined;
  /** Default: the page's address, without its query and hash. */
  url?: string | undefined;
  route_name?: string | undefined;
  endpoint?: string | undefined;
  http_status?: number | undefined;
  error_message?: string | undefined;
  actor_type?: "admin" | "customer" | "system" | undefined;
  user_id?: string | number | undefined;
  correlation_id?: string | undefined;
  stack_trace?: string | undefined;
  /** What was sent. */
  request_data?: object | undefined;
  /** What the backend answered, as it is. */
  response_data?: object | undefined;
  /** What makes failures the same, instead of `error_key`, message and `route_name`. */
  fingerprint?: string[] | undefined;
  was_bypassed?: boolean | undefined;
  bypass_reason?: string | undefined;
  user_notified?: boolean | undefined;
}

export interface ReporterOptions {
  /** Where the API is, such as `https://api.example.com/prod`. */
  endpoint: string;
  /** The project's ingest key. It is public: it can only report. */
  key: string;
  environment?: string | undefined;
  release?: string | undefined;
  /** What to tell with every report, asked when it is made: who is signed in, which route is shown. */
  context?: (() => ReportOptions) | undefined;
  /** Default: the browser's. */
  fetch?: typeof fetch | undefined;
}

/** Reports failures. None of it ever throws, blocks, or writes to the console. */
export interface Reporter {
  /** Report a failure. `description` is an object, an Error, or anything else; what is not plain data is made so. */
  report(error_key: string, description: unknown, options?: ReportOptions): void;
  /**
   * Report a request that failed: a Response that is an error or malformed, or what `fetch` rejected with. The body stays
   * the caller's to read; one that has been read already goes into `options.body`. What the caller aborted is no failure.
   *
   * Unless `options` name another, the error_key is `failed_request.` and `network`, `timeout`, `malformed` or the status.
   */
  reportFailedRequest(failure: unknown, options?: FailedRequestOptions): void;
  /** Report from now on every error and rejection that nobody caught, its name as the error_key. */
  capture(): void;
  /** Send what waits now. */
  flush(): void;
  /** Hand over what waits, and report nothing any more. */
  stop(): void;
}

export interface FailedRequestOptions extends ReportOptions, RequestFacts {
  error_key?: string | undefined;
}

/**
 * Make a reporter. Reports are gathered for a second and sent together, one request at a time; when the page is hidden
 * or left, the browser is handed what waits.
 */
export function createReporter(options: ReporterOptions): Reporter {
  const { environment, release } = options;
  const queue = createQueue();
  const url = `${options.endpoint.replace(/\/+$/, "")}/incidents?key=${encodeURIComponent(options.key)}`;
  const delivery = createDelivery(url, queue, (...request) => (options.fetch ?? fetch)(...request));
  let stopped = false;
  let stopCapturing: (() => void) | undefined;

  const handOver = () => quietly(delivery.handOver);
  const onVisibility = () => document.visibilityState === "hidden" && handOver();
  // On a server there is no page to be left.
  quietly(() => {
    document.addEventListener("visibilitychange", onVisibility);
    addEventListener("pagehide", handOver);
  });

  function report(error_key: string, description: unknown, own?: ReportOptions): void {
    quietly(() => {
      if (stopped) return;
      const url = quietly(() => location.origin + location.pathname);
      const facts = { environment, release, url, ...quietly(() => options.context?.()), ...object(own) };
      queue.add(bounded(error_key, description, facts), Date.now());
      delivery.look();
    });
  }

  async function reportRequest(failure: unknown, { error_key, method, url, body, ...own }: FailedRequestOptions) {
    const failed = await describeFailure(failure, { method, url, body });
    if (!failed) return;
    const { kind, body: answer, ...description } = failed;
    const { http_status, correlation_id } = failed;
    report(error_key ?? `failed_request.${kind === "http" ? http_status : kind}`, description, {
      severity: kind === "malformed" || (http_status ?? 0) >= 500 ? "HIGH" : "MEDIUM",
      endpoint: failed.url && `${failed.method} ${failed.url}`,
      http_status,
      correlation_id,
      response_data: answer === undefined || isRecord(answer) ? answer : { body: answer },
      ...own,
    });
  }

  return {
    report,
    reportFailedRequest(failure, own) {
      quietly(() => void reportRequest(failure, object(own)).catch(() => {}));
    },
    capture() {
      stopCapturing ??= quietly(() => listen((error) => report(nameOf(error), error, { severity: "HIGH" })));
    },
    flush() {
      quietly(() => {
        queue.hurry(Date.now());
        delivery.look();
      });
    },
    stop() {
      stopped = true;
      handOver();
      quietly(() => {
        delivery.stop();
        stopCapturing?.();
        document.removeEventListener("visibilitychange", onVisibility);
        removeEventListener("pagehide", handOver);
      });
    },
  };
}

/** The page that reports is never disturbed, whatever it hands over and wherever it runs. */
function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** Pages without types hand over anything, and a text would be spread by its characters. */
function object<T extends object>(given: T | undefined): Partial<T> {
  return typeof given === "object" ? given : {};
}

function bounded(error_key: string, description: unknown, facts: ReportOptions): Fields {
  let fields: Fields;
  let tries = 0;
  do {
    const most = MOST_CHARACTERS[tries++] as number;
    const { stack_trace, ...described } = inWords(description, most / 2);
    const told = plain(facts, most / 2) as Record<string, Plain>;
    fields = { ...(stack_trace && { stack_trace }), ...told, error_key: keyOf(error_key), description: described };
  } while (tries < MOST_CHARACTERS.length && bytesOf(JSON.stringify(fields)) > MOST_REPORT_BYTES);
  return fields;
}

function inWords(description: unknown, most: number): Record<string, Plain> {
  const given = plain(description, most);
  if (typeof given === "string") return { error_message: given };
  if (!isRecord(given)) return { value: given };
  if (!(description instanceof Error)) return given;
  const { message = null, stack = null, ...rest } = given;
  return { error_message: message, stack_trace: stack, ...rest };
}

function isRecord(value: Plain): value is Record<string, Plain> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "uncaught";
}

function keyOf(error_key: unknown): string {
  return (
    String(error_key)
      .slice(0, MOST_KEY)
      .replace(/[^\w.:-]/g, "_") || "unknown"
  );
}
