import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createReporter, type Reporter, type ReporterOptions } from "../src";
import { type Answer, type Arrived, serve } from "./server";

const KEPT: Answer = { status: 202, body: { results: [] } };
const quiet = ["log", "info", "warn", "error", "debug"] as const;

beforeEach(() => {
  // Time passes by itself, too: real requests are under way.
  vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(Math, "random").mockReturnValue(0);
  for (const method of quiet) vi.spyOn(console, method);
});

afterEach(() => {
  for (const method of quiet) expect(console[method]).not.toHaveBeenCalled();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const underWay = new Set<Promise<unknown>>();

function reporterTo(endpoint: string, options: Partial<ReporterOptions> = {}): Reporter {
  const given = options.fetch ?? ((...request) => fetch(...request));
  const followed: typeof fetch = (...request) => {
    const answer = given(...request);
    underWay.add(answer);
    void answer.catch(() => {}).then(() => underWay.delete(answer));
    return answer;
  };
  const about = { key: "c0ffee", environment: "test", release: "1.2.3" };
  const reporter = createReporter({ endpoint, ...about, ...options, fetch: followed });
  onTestFinished(() => reporter.stop());
  return reporter;
}

const reportsIn = ({ body }: Arrived) => JSON.parse(body.toString()).reports;
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);
const arrivals = (arrived: Arrived[], count: number) => vi.waitFor(() => expect(arrived).toHaveLength(count), 10_000);

/** Let time pass, but no request wait for its answer meanwhile. */
async function pass(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed++) {
    await seconds(1);
    await Promise.allSettled(underWay);
    await settled();
  }
}

/** Enough for what is ready to be done. */
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe("a report", () => {
  it("is sent as text with the key in the address, so that no preflight is needed", async () => {
    const { url, arrived } = await serve(() => KEPT);
    reporterTo(`${url}/prod/`).report("upload_failed", { file_name: "a.mov" }, { severity: "HIGH", user_id: 68 });
    await seconds(1);
    await arrivals(arrived, 1);
    const [request] = arrived as [Arrived];
    expect(request).toMatchObject({ method: "POST", path: "/prod/incidents" });
    expect(request.query.get("key")).toBe("c0ffee");
    expect(request.headers["content-type"]).toBe("text/plain;charset=UTF-8");
    expect(reportsIn(request)).toEqual([
      {
        error_key: "upload_failed",
        description: { file_name: "a.mov" },
        severity: "HIGH",
        user_id: 68,
        environment: "test",
        release: "1.2.3",
        event_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        occurred_at: expect.stringMatching(/Z$/),
      },
    ]);
  });

  it("is sent without cookies, and outlives the page", async () => {
    const fetch = vi.fn(async () => new Response("{}", { status: 202 }));
    reporterTo("http://a.example", { fetch }).report("k", {});
    await seconds(1);
    expect(fetch).toHaveBeenCalledWith(
      "http://a.example/incidents?key=c0ffee",
      expect.objectContaining({ credentials: "omit", keepalive: true, method: "POST" }),
    );
    expect(fetch).not.toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ headers: expect.anything() }));
  });

  it("tells of errors, texts and anything else", async () => {
    const { url, arrived } = await serve(() => KEPT);
    const reporter = reporterTo(url);
    reporter.report("e", Object.assign(new RangeError("too far"), { code: 7 }));
    reporter.report("t", "words");
    reporter.report("l", [1, 2]);
    reporter.report("n", null);
    reporter.report("no such key!", {});
    await seconds(1);
    await arrivals(arrived, 1);
    expect(reportsIn(arrived[0] as Arrived)).toMatchObject([
      {
        description: { name: "RangeError", error_message: "too far", code: 7 },
        stack_trace: expect.stringContaining("reporter.test"),
      },
      { description: { error_message: "words" } },
      { description: { value: [1, 2] } },
      { description: { value: null } },
      { error_key: "no_such_key_" },
    ]);
  });

  it("never throws, whatever it is given", async () => {
    const { url, arrived } = await serve(() => KEPT);
    const thrower = new Proxy({}, { get: () => never(), ownKeys: () => never(), getPrototypeOf: () => never() });
    const context = vi.fn(() => never());
    const reporter = reporterTo(url, { context });
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const awkward = [
      circle,
      thrower,
      1n << 5_000n,
      Symbol("s"),
      undefined,
      () => {},
      new Map(),
      "x".repeat(10_000_000),
    ];
    const began = performance.now();
    for (const given of awkward) {
      reporter.report("k", given);
      reporter.report("k", {}, given as object);
      reporter.report(given as string, {});
      reporter.reportFailedRequest(given);
      reporter.reportFailedRequest(new Response("{}", { status: 500 }), given as object);
      reporter.reportFailedRequest(null, null as unknown as object);
    }
    expect(performance.now() - began).toBeLessThan(1_000);
    await seconds(1);
    await vi.waitFor(() => expect(arrived.flatMap(reportsIn).length).toBeGreaterThan(20), 10_000);
    expect(context).toHaveBeenCalled();
  });

  it("fits into 60 KB, whatever its characters cost", async () => {
    const { url, arrived } = await serve(() => KEPT);
    reporterTo(url).report("k", { text: "\u0001".repeat(1_000_000), stack: "ü".repeat(1_000_000) });
    await seconds(1);
    await arrivals(arrived, 1);
    expect((arrived[0] as Arrived).body.length).toBeLessThan(60_000);
    expect(reportsIn(arrived[0] as Arrived)[0].description.text.length).toBeGreaterThan(2_000);
  });

  it("says what the page says of itself at that moment", async () => {
    const { url, arrived } = await serve(() => KEPT);
    let user_id = "anna";
    const reporter = reporterTo(url, { context: () => ({ user_id, severity: "LOW" }) });
    reporter.report("k", {});
    user_id = "ben";
    reporter.report("k", {}, { severity: "HIGH" });
    await seconds(1);
    await arrivals(arrived, 1);
    expect(reportsIn(arrived[0] as Arrived)).toMatchObject([
      { user_id: "anna", severity: "LOW" },
      { user_id: "ben", severity: "HIGH" },
    ]);
  });
});

describe("delivery", () => {
  const failing: Record<string, [answer: Answer, again: boolean]> = {
    "a server that breaks the connection": ["drop", true],
    "400": [{ status: 400, body: { Code: "InvalidRequest" } }, false],
    "401": [{ status: 401 }, false],
    "403": [{ status: 403 }, false],
    "413": [{ status: 413 }, false],
    "429": [{ status: 429 }, true],
    "500": [{ status: 500, body: "<h1>Oops</h1>" }, true],
    "503": [{ status: 503 }, true],
    "a page instead of an answer": [{ status: 200, body: "<!doctype html><h1>Wi-Fi</h1>" }, true],
  };

  it.each(Object.entries(failing))("survives %s, and gives up in the end", async (_, [answer, again]) => {
    let answers: Answer = answer;
    const { url, arrived } = await serve(() => answers);
    const reporter = reporterTo(url);
    reporter.report("k", { n: 1 });
    await pass(120);
    expect(arrived).toHaveLength(again ? 5 : 1);
    expect(new Set(arrived.map(({ body }) => body.toString())).size).toBe(1);

    // What was lost is told as soon as something gets through.
    answers = KEPT;
    reporter.report("k", { n: 2 });
    await pass(60);
    expect(reportsIn(arrived.at(-1) as Arrived)).toMatchObject([{ description: { n: 2, _lost: 1 } }]);
  });

  it("takes a 202 for kept even where its body makes no sense", async () => {
    const { url, arrived } = await serve(() => ({ status: 202, body: "<html>" }));
    reporterTo(url).report("k", {});
    await pass(30);
    expect(arrived).toHaveLength(1);
  });

  it("survives a browser that refuses the request, as for CORS", async () => {
    const fetch = vi.fn(async () => {
      throw new TypeError("Failed to fetch");
    });
    reporterTo("http://a.example", { fetch }).report("k", {});
    await seconds(300);
    expect(fetch).toHaveBeenCalledTimes(5);
  });

  it("survives a browser that has no fetch", async () => {
    vi.stubGlobal("fetch", undefined);
    reporterTo("http://a.example").report("k", {});
    await seconds(300);
  });

  it("gives a slow server ten seconds, one request at a time, and sends the very same again", async () => {
    const { url, arrived } = await serve(() => undefined);
    const reporter = reporterTo(url);
    reporter.report("k", { n: 1 });
    await seconds(1);
    await arrivals(arrived, 1);
    reporter.report("k", { n: 2 });
    reporter.flush();
    await seconds(8);
    await settled();
    expect(arrived).toHaveLength(1);
    await seconds(2);
    await arrivals(arrived, 2);
    expect(arrived[1]?.body.toString()).toBe(arrived[0]?.body.toString());
  });

  it("has at most one request under way, however much there is to send", async () => {
    let current = 0;
    let most = 0;
    const fetch = async () => {
      most = Math.max(most, ++current);
      await new Promise((resolve) => setImmediate(resolve));
      current--;
      return new Response("{}", { status: 202 });
    };
    const reporter = reporterTo("http://a.example", { fetch });
    for (let index = 0; index < 100; index++) {
      reporter.report("k", { index });
      reporter.flush();
      if (index % 10 === 0) await settled();
    }
    await seconds(5);
    expect(most).toBe(1);
  });

  it("backs off ever longer while nobody answers", async () => {
    const times: number[] = [];
    const fetch = async () => {
      times.push(Date.now());
      throw new TypeError("Failed to fetch");
    };
    reporterTo("http://a.example", { fetch }).report("k", {});
    await seconds(60);
    const pauses = times.slice(1).map((time, index) => Math.round((time - (times[index] as number)) / 100) / 10);
    expect(pauses).toEqual([0.5, 1, 2, 4]);
  });

  it.each([
    ["seconds", () => "20"],
    ["a date", () => new Date(Date.now() + 20_000).toUTCString()],
  ])("comes again when Retry-After says so in %s", async (_, retryAfter) => {
    let answer: Answer = { status: 429, headers: { "Retry-After": retryAfter() } };
    const { url, arrived } = await serve(() => answer);
    reporterTo(url).report("k", {});
    await seconds(1);
    await arrivals(arrived, 1);
    answer = KEPT;
    await seconds(17);
    await settled();
    expect(arrived).toHaveLength(1);
    await seconds(5);
    await arrivals(arrived, 2);
  });

  it("counts as lost what the quota kept out of a batch", async () => {
    const results = [{ incident_id: "1" }, { Code: "QuotaExceeded" }, { Code: "QuotaExceeded" }];
    const { url, arrived } = await serve(() => ({ status: 202, body: { results } }));
    const reporter = reporterTo(url);
    for (const n of [1, 2, 3]) reporter.report("k", { n });
    await seconds(1);
    await arrivals(arrived, 1);
    await seconds(1);
    reporter.report("k", { n: 4 });
    await seconds(1);
    await arrivals(arrived, 2);
    expect(reportsIn(arrived[1] as Arrived)[0].description).toEqual({ n: 4, _lost: 2 });
  });
});

it("a reporter that was stopped sends nothing any more", async () => {
  const fetch = vi.fn(async () => new Response("{}", { status: 202 }));
  const reporter = reporterTo("http://a.example", { fetch });
  reporter.stop();
  reporter.report("k", {});
  reporter.reportFailedRequest(new TypeError("Failed to fetch"));
  await seconds(10);
  expect(fetch).not.toHaveBeenCalled();
});

describe("a page that goes", () => {
  function page(sendBeacon: (url: string, body: string) => boolean) {
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    vi.stubGlobal("document", document);
    vi.stubGlobal("navigator", { sendBeacon, onLine: true });
    vi.stubGlobal("location", { origin: "https://a.example", pathname: "/page" });
    vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
    vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
    return {
      window,
      hide() {
        document.visibilityState = "hidden";
        document.dispatchEvent(new Event("visibilitychange"));
      },
      leave: () => window.dispatchEvent(new Event("pagehide")),
    };
  }

  it("hands over at once what waits, once", () => {
    const beacon = vi.fn(() => true);
    const { hide, leave } = page(beacon);
    reporterTo("http://api.example").report("k", { n: 1 });
    hide();
    leave();
    expect(beacon).toHaveBeenCalledTimes(1);
    const [url, body] = beacon.mock.calls[0] as unknown as [string, string];
    expect(url).toBe("http://api.example/incidents?key=c0ffee");
    expect(JSON.parse(body).reports).toMatchObject([{ description: { n: 1 }, url: "https://a.example/page" }]);
  });

  it("hands over at most 60 KB, with what is under way, and keeps the rest", async () => {
    const beacon = vi.fn((_: string, __: string) => true);
    const { leave } = page(beacon);
    const sent: string[] = [];
    const fetch = (_: unknown, init?: RequestInit) => {
      sent.push(String(init?.body));
      return new Promise<Response>(() => {});
    };
    const reporter = reporterTo("http://api.example", { fetch });
    reporter.report("k", { text: "a".repeat(14_000) });
    await seconds(1);
    for (const letter of "bcdefgh") reporter.report("k", { text: letter.repeat(14_000) });
    leave();
    const bytes = [...sent, ...beacon.mock.calls.map(([, body]) => body)].map((body) => body.length);
    expect(bytes).toHaveLength(2);
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(60_000);
    expect(bytes.reduce((sum, size) => sum + size)).toBeGreaterThan(50_000);
  });

  it("hands over again what is tried again, which then counts once", async () => {
    const beacon = vi.fn((_: string, __: string) => true);
    const { leave } = page(beacon);
    const bodies: string[] = [];
    const fetch = async (_: unknown, init?: RequestInit) => {
      bodies.push(String(init?.body));
      throw new TypeError("Failed to fetch");
    };
    reporterTo("http://api.example", { fetch }).report("k", {});
    await seconds(1);
    leave();
    expect(beacon.mock.calls.map(([, body]) => body)).toEqual([bodies[0]]);
  });

  it("keeps what the browser does not take", async () => {
    const { hide } = page(() => false);
    const fetch = vi.fn(async () => new Response("{}", { status: 202 }));
    reporterTo("http://api.example", { fetch }).report("k", {});
    hide();
    await seconds(1);
    expect(fetch).toHaveBeenCalledTimes(1);
  });

  it("reports what nobody caught, by its name, until it is stopped", () => {
    const beacon = vi.fn((_: string, __: string) => true);
    const { window, leave } = page(beacon);
    const reporter = reporterTo("http://api.example");
    const happen = (type: string, facts: object) => window.dispatchEvent(Object.assign(new Event(type), facts));
    happen("error", { error: new TypeError("before") });
    reporter.capture();
    reporter.capture();
    happen("error", { error: new TypeError("caught") });
    happen("error", { message: "Uncaught x", filename: "https://a.example/a.js", lineno: 3 });
    happen("error", { message: "Script error.", filename: "" });
    happen("unhandledrejection", { reason: new DOMException("gone", "NotFoundError") });
    happen("unhandledrejection", { reason: { code: 5 } });
    leave();
    expect(JSON.parse(beacon.mock.calls[0]?.[1] as string).reports).toMatchObject([
      { error_key: "TypeError", description: { error_message: "caught" }, stack_trace: expect.any(String) },
      { error_key: "uncaught", description: { error_message: "Uncaught x (https://a.example/a.js:3)" } },
      { error_key: "NotFoundError", description: { error_message: "gone" } },
      { error_key: "uncaught", description: { code: 5 } },
    ]);
    reporter.stop();
    happen("error", { error: new TypeError("after") });
    reporter.report("k", {});
    leave();
    expect(beacon).toHaveBeenCalledTimes(1);
  });
});

function never(): never {
  throw new Error("no");
}
