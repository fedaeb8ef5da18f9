import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createReporter, type Reporter } from "../src";
import { type Upload, type UploadOptions, uploadProof, uploadProofs } from "../src/uploads";
import { school } from "./school";
import { type Answer, serve } from "./server";
import { NodeXMLHttpRequest } from "./xhr";

const CUSTOMER = { id: 68, name: "Cleo" };
const CONTEXT = { student_id: "student-7", homework_id: "homework-12" };

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  });
  // No pauses between tries.
  vi.spyOn(Math, "random").mockReturnValue(-1);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const photo = (name = "a.jpg", size = 8) => new File(["x".repeat(size)], name, { type: "image/jpeg", lastModified: 1 });
const video = (name = "a.mov", size = 35) =>
  new File([Array.from({ length: size }, (_, index) => index % 10).join("")], name, {
    type: "video/quicktime",
    lastModified: 1,
  });

function optionsFor(endpoint: string, own: Partial<UploadOptions> = {}) {
  const report = vi.fn<Reporter["report"]>();
  const states: Upload[] = [];
  const onChange = (upload: Upload) => states.push(upload);
  const basics = { endpoint, token: () => "t", customer: CUSTOMER, context: CONTEXT, reporter: { report } };
  return { ...basics, onChange, XMLHttpRequest: NodeXMLHttpRequest, ...own, report, states };
}

const answer = (status: number, Code = "Error"): Answer => ({ status, body: { Code, Message: "m" } });

describe("an upload", () => {
  it("is one PUT for a small file, with the headers that were signed", async () => {
    const { url, calls, arrived, files } = await school();
    const options = optionsFor(url);
    const upload = await uploadProof(photo(), options);
    expect(upload).toMatchObject({ status: "uploaded", mediaId: "m1", sentBytes: 8 });
    expect(calls()).toEqual(["POST /media", "PUT /store/m1/1", "POST /media/m1/complete"]);
    expect(JSON.parse(arrived[0]?.body.toString() ?? "")).toEqual({
      file_name: "a.jpg",
      content_type: "image/jpeg",
      size_bytes: 8,
      context: CONTEXT,
    });
    expect(arrived[0]?.headers).toMatchObject({ authorization: "Bearer t", "idempotency-key": expect.any(String) });
    expect(arrived[1]?.headers["if-none-match"]).toBe("*");
    expect(arrived[1]?.headers.authorization).toBeUndefined();
    expect(files().get("m1")?.toString()).toBe("xxxxxxxx");
    expect(options.report).not.toHaveBeenCalled();
    expect(options.states.map(({ step }) => step)).toEqual(
      expect.arrayContaining(["check", "begin", "send", "complete"]),
    );
  });

  it("is in parts for a large one, and tells how far it is", async () => {
    const { url, calls, files } = await school();
    const options = optionsFor(url);
    const file = video();
    await uploadProof(file, options);
    expect(calls().filter((call) => call.startsWith("PUT"))).toHaveLength(4);
    expect(files().get("m1")?.toString()).toBe(await file.text());
    const sent = options.states.map(({ sentBytes }) => sentBytes);
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
    expect(sent).toEqual(expect.arrayContaining([0, 10, 20, 30, 35]));
  });

  it.each<[string, (call: string, times: number) => Answer]>([
    ["a break", (_, times) => (times === 1 ? "drop" : undefined)],
    ["500", (_, times) => (times === 1 ? answer(500) : undefined)],
    ["503 three times", (_, times) => (times <= 3 ? answer(503) : undefined)],
    [
      "429",
      (call, times) =>
        call === "POST /media" && times === 1 ? { status: 429, headers: { "Retry-After": "1" } } : undefined,
    ],
    [
      "nonsense",
      (call, times) => (call.startsWith("POST") && times === 1 ? { status: 200, body: "<html>" } : undefined),
    ],
    [
      "an object without URLs",
      (call, times) => (call === "POST /media" && times === 1 ? { status: 201, body: {} } : undefined),
    ],
  ])("survives %s at each of its requests", async (_, fault) => {
    const { url, files, arrived } = await school(fault);
    const options = optionsFor(url);
    expect(await uploadProof(video(), options)).toMatchObject({ status: "uploaded" });
    expect(files().size).toBe(1);
    expect(options.report).not.toHaveBeenCalled();
    expect(options.states.some(({ trouble }) => trouble)).toBe(true);
    const begun = arrived.filter(({ method, path }) => method === "POST" && path === "/media");
    expect(new Set(begun.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });

  it("asks for a new URL where one has run out", async () => {
    const { url, calls, arrived } = await school((call, times) =>
      call === "PUT /store/m1/2" && times === 1 ? answer(403) : undefined,
    );
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ status: "uploaded" });
    expect(calls().filter((call) => call === "POST /media/m1/upload")).toHaveLength(1);
    expect(arrived.filter(({ path }) => path.startsWith("/store")).map(({ query }) => query.get("url"))).toEqual([
      "1",
      "1",
      "2",
      "2",
      "2",
    ]);
  });

  it("asks for new URLs before old ones run out", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { url, calls } = await school((call) => {
      if (call === "PUT /store/m1/2") vi.setSystemTime(Date.now() + 50 * 60 * 1_000);
      return undefined;
    });
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ status: "uploaded" });
    expect(calls().indexOf("POST /media/m1/upload")).toBe(calls().indexOf("PUT /store/m1/2") + 1);
  });

  it("goes on where an answer of the store was lost, although the file had arrived", async () => {
    const { url } = await school((call, times) => (call === "PUT /store/m1/1" && times === 1 ? "lose" : undefined));
    expect(await uploadProof(photo(), optionsFor(url))).toMatchObject({ status: "uploaded" });
  });

  it("sends again what the store turns out to miss", async () => {
    const { url, calls, files } = await school((call, times) =>
      call === "PUT /store/m1/3" && times === 1 ? { status: 200 } : undefined,
    );
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ status: "uploaded" });
    expect(calls().slice(-3)).toEqual(["GET /media/m1/parts", "PUT /store/m1/3", "POST /media/m1/complete"]);
    expect(files().size).toBe(1);
  });

  it("is resumed from what the store holds, also by another page, and only for the same purpose", async () => {
    let broken = true;
    const { url, calls, arrived } = await school((call) => (broken && call === "PUT /store/m1/3" ? "drop" : undefined));
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ status: "failed", sentBytes: 20 });
    broken = false;
    arrived.length = 0;
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ status: "uploaded", mediaId: "m1" });
    expect(calls()).toEqual([
      "POST /media/m1/upload",
      "GET /media/m1/parts",
      "PUT /store/m1/3",
      "PUT /store/m1/4",
      "POST /media/m1/complete",
    ]);
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ mediaId: "m2" });
  });

  it.each([
    ["another homework", { context: { homework_id: "homework-13" } }],
    ["another customer", { customer: { id: 69 } }],
  ])("begins anew for %s", async (_, own) => {
    const { url } = await school((call) => (call.startsWith("PUT /store/m1") ? answer(400) : undefined));
    await uploadProof(video(), optionsFor(url));
    expect(await uploadProof(video(), optionsFor(url, own))).toMatchObject({ mediaId: "m2" });
  });

  it.each([404, 409])("begins anew where the server answers %i to resuming", async (status) => {
    const { url } = await school((call) => {
      if (call.startsWith("PUT /store/m1")) return answer(400);
      return call === "POST /media/m1/upload" ? answer(status) : undefined;
    });
    await uploadProof(video(), optionsFor(url));
    expect(await uploadProof(video(), optionsFor(url))).toMatchObject({ status: "uploaded", mediaId: "m2" });
  });

  it("is done where it turns out to have arrived", async () => {
    const { url, calls } = await school((call) => (call.endsWith("/complete") ? "lose" : undefined));
    expect(await uploadProof(photo(), optionsFor(url))).toMatchObject({ status: "failed", step: "complete" });
    const before = calls().length;
    expect(await uploadProof(photo(), optionsFor(url))).toMatchObject({ status: "uploaded", mediaId: "m1" });
    expect(calls().slice(before)).toEqual(["POST /media/m1/upload"]);
  });

  it("needs no place to remember anything", async () => {
    vi.stubGlobal("localStorage", undefined);
    const { url } = await school();
    expect(await uploadProof(photo(), optionsFor(url))).toMatchObject({ status: "uploaded" });
  });

  it("can be cancelled at any time, which is no failure", async () => {
    const abort = new AbortController();
    const { url, calls } = await school((call) => {
      if (call !== "PUT /store/m1/2") return undefined;
      abort.abort();
      return "wait";
    });
    const options = optionsFor(url, { signal: abort.signal });
    expect(await uploadProof(video(), options)).toMatchObject({ status: "cancelled" });
    expect(options.report).not.toHaveBeenCalled();
    await expect.poll(() => calls().at(-1)).toBe("POST /media/m1/abort");
    expect(await uploadProof(video(), optionsFor(url, { signal: abort.signal }))).toMatchObject({
      status: "cancelled",
    });
    expect(calls().filter((call) => call === "POST /media")).toHaveLength(1);
  });
});

describe("a failure", () => {
  it("is reported with all that is known of it", async () => {
    const { url } = await school((call) =>
      call === "POST /media"
        ? { ...(answer(413, "PayloadTooLarge") as object), status: 413, headers: { "X-Correlation-Id": "c-1" } }
        : undefined,
    );
    const options = optionsFor(url, { reportOptions: { route_name: "/homework/:id", user_notified: true } });
    const { error } = await uploadProof(photo("IMG_1.jpg"), options);
    expect(error?.message).toBe("This file is too large to be uploaded.");
    expect(options.report.mock.calls).toEqual([
      [
        "homework_proof",
        expect.objectContaining({
          customer_id: 68,
          customer_name: "Cleo",
          student_id: "student-7",
          homework_id: "homework-12",
          file_name: "IMG_1.jpg",
          file_size: 8,
          file_type: "image/jpeg",
          error_message: "POST /media was answered 413 PayloadTooLarge: m",
          failure: "http",
          step: "begin",
          code: "PayloadTooLarge",
          attempts: 1,
        }),
        expect.objectContaining({
          severity: "HIGH",
          actor_type: "customer",
          user_id: 68,
          http_status: 413,
          correlation_id: "c-1",
          response_data: { Code: "PayloadTooLarge", Message: "m" },
          route_name: "/homework/:id",
          user_notified: true,
        }),
      ],
    ]);
  });

  it.each<[string, File, object]>([
    ["empty", photo("a.jpg", 0), {}],
    ["neither", new File(["x"], "a.pdf", { type: "application/pdf" }), {}],
    ["neither", new File(["<svg/>"], "a.svg", { type: "image/svg+xml" }), {}],
    ["neither", new File(["x"], "a.unknown"), {}],
    ["has 20 bytes; at most 10 bytes", photo("a.jpg", 20), { mostBytes: 10 }],
  ])("is told before anything is sent of a file that is %s", async (words, file, own) => {
    const { url, arrived } = await school();
    const options = optionsFor(url, own);
    const { status, error } = await uploadProof(file, options);
    expect([status, error?.failure, error?.message]).toEqual(["failed", "file", expect.stringContaining(words)]);
    expect(options.report).toHaveBeenCalledWith(
      "homework_proof",
      expect.anything(),
      expect.objectContaining({ severity: "LOW" }),
    );
    expect(arrived).toEqual([]);
  });

  it("is told of a file that cannot be read any more", async () => {
    const gone = photo();
    vi.spyOn(gone, "slice").mockReturnValue({ arrayBuffer: () => Promise.reject(new Error("NotReadable")) } as never);
    const { error } = await uploadProof(gone, optionsFor("http://127.0.0.1:9"));
    expect(error?.message).toContain("cannot be read any more");
  });

  it("takes a file's type from its name where the browser knows none", async () => {
    const { url, arrived } = await school();
    await uploadProof(new File(["x"], "IMG.HEIC"), optionsFor(url));
    expect(JSON.parse(arrived[0]?.body.toString() ?? "").content_type).toBe("image/heic");
  });

  it.each<[string, Partial<UploadOptions>, string]>([
    ["nobody answers", {}, "network"],
    ["the browser refuses, as for CORS", { fetch: () => Promise.reject(new TypeError("Failed to fetch")) }, "network"],
    ["there is no token", { token: () => Promise.reject(new Error("signed out")) }, "http"],
  ])("is told where %s", async (_, own, failure) => {
    const options = optionsFor("http://127.0.0.1:9", own);
    const { status, error } = await uploadProof(photo(), options);
    expect([status, error?.failure]).toEqual(["failed", failure]);
    expect(options.report).toHaveBeenCalledTimes(1);
  });

  it("is told where nothing moves any more", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setTimeout", "clearTimeout"] });
    const { url, calls } = await school((call) => (call.startsWith("PUT") ? "wait" : undefined));
    const upload = uploadProof(photo(), optionsFor(url));
    for (let tries = 1; tries <= 4; tries++) {
      await vi.waitFor(() => expect(calls().filter((call) => call.startsWith("PUT"))).toHaveLength(tries), 10_000);
      await vi.advanceTimersByTimeAsync(31_000);
    }
    expect(await upload).toMatchObject({ status: "failed", error: { failure: "timeout", facts: { tries: 4 } } });
  });

  it("is told at once where the server wants to be left alone for longer than anybody waits", async () => {
    const later = { ...(answer(429, "TooManyUploads") as object), status: 429, headers: { "Retry-After": "3600" } };
    const { url, calls } = await school(() => later);
    const { error } = await uploadProof(photo(), optionsFor(url));
    expect([error?.message, calls()]).toEqual(["m", ["POST /media"]]);
  });
});

describe("several uploads", () => {
  it("go one after the other, and one's failure stops none of the others", async () => {
    const { url, calls, files } = await school((call) => (call.startsWith("PUT /store/m2") ? answer(400) : undefined));
    const options = optionsFor(url);
    const uploads = await uploadProofs([video("a.mov"), photo("b.jpg"), photo("c.pdf", 0), photo("d.jpg")], options);
    expect(uploads.map(({ status }) => status)).toEqual(["uploaded", "failed", "failed", "uploaded"]);
    expect([...files().keys()]).toEqual(["m1", "m3"]);
    expect(options.report).toHaveBeenCalledTimes(2);
    expect(calls().indexOf("POST /media/m1/complete")).toBeLessThan(calls().lastIndexOf("POST /media"));
  });

  it.each<[string, Answer]>([
    ["breaks connections", "drop"],
    ["never answers", undefined],
    ["answers 400", { status: 400 }],
    ["answers 503", { status: 503 }],
    ["answers nonsense", { status: 200, body: "<html>" }],
  ])("are not held up by a reporter whose endpoint %s", async (_, hub) => {
    const { url, files } = await school((call) => (call.startsWith("PUT /store/m1") ? answer(400) : undefined));
    const endpoint = await serve(() => hub);
    const reporter = createReporter({ endpoint: endpoint.url, key: "k" });
    const began = performance.now();
    const uploads = await uploadProofs([photo("a.jpg"), photo("b.jpg"), photo("c.jpg")], optionsFor(url, { reporter }));
    expect(uploads.map(({ status }) => status)).toEqual(["failed", "uploaded", "uploaded"]);
    expect(files().size).toBe(2);
    expect(performance.now() - began).toBeLessThan(2_000);
    await expect.poll(() => endpoint.arrived.length).toBeGreaterThan(0);
    reporter.stop();
  });

  it("are not disturbed by a page that fails at their news", async () => {
    const { url } = await school();
    const onChange = () => {
      throw new Error("no");
    };
    const uploads = await uploadProofs([photo("a.jpg"), photo("b.jpg")], optionsFor(url, { onChange }));
    expect(uploads.map(({ status }) => status)).toEqual(["uploaded", "uploaded"]);
  });
});
