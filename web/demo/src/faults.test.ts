// @vitest-environment jsdom
import { uploadProof } from "groundcrew-sdk/uploads";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Fault, faulty } from "./faults";

const BEGUN = { media_id: "m1", upload: { kind: "single", url: "https://store.example/m1", headers: {} } };

beforeEach(() => {
  Blob.prototype.arrayBuffer ??= async () => new ArrayBuffer(1);
  // No pauses between tries.
  vi.spyOn(Math, "random").mockReturnValue(-1);
  vi.stubGlobal("XMLHttpRequest", StoreRequest);
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    const { size_bytes = 1, content_type = "image/png" } = JSON.parse(String(init?.body ?? null)) ?? {};
    if (size_bytes > 2 ** 31) return Response.json({ Code: "PayloadTooLarge" }, { status: 413 });
    if (!content_type.startsWith("image/")) return Response.json({ Code: "InvalidRequest" }, { status: 400 });
    return Response.json(url.endsWith("/complete") ? {} : BEGUN);
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  localStorage.clear();
});

/** A store that takes everything. */
class StoreRequest extends EventTarget {
  readonly upload = new EventTarget();
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor() {
    super();
    this.addEventListener("load", () => this.onload?.());
    this.addEventListener("error", () => this.onerror?.());
  }
  get status() {
    return 200;
  }
  get responseText() {
    return "";
  }
  open() {}
  abort() {}
  send() {
    this.upload.dispatchEvent(new ProgressEvent("progress", { loaded: 1, total: 1 }));
    queueMicrotask(() => this.dispatchEvent(new ProgressEvent("load")));
  }
}

const uploaded = (fault: Fault) =>
  uploadProof(new File(["x"], "a.png", { type: "image/png" }), {
    endpoint: "https://api.example",
    token: () => "t",
    ...faulty(() => fault),
  });

const SEEN: Record<Exclude<Fault, "silent">, object> = {
  none: { status: "uploaded" },
  expired: { status: "uploaded" },
  offline: { status: "failed", step: "begin", error: { failure: "network" } },
  refused: { status: "failed", step: "begin", error: { facts: { status: 403, code: "Forbidden" } } },
  broken: { status: "failed", step: "begin", error: { facts: { status: 503, tries: 4 } } },
  nonsense: { status: "failed", step: "begin", error: { failure: "malformed" } },
  store: { status: "failed", step: "send", error: { facts: { status: 403, code: "AccessDenied" } } },
  interrupted: { status: "failed", step: "send", error: { failure: "network" } },
  large: { status: "failed", step: "begin", error: { facts: { status: 413 } } },
  type: { status: "failed", step: "begin", error: { facts: { status: 400 } } },
};

it.each(Object.entries(SEEN))("%s does what its name says", async (fault, seen) => {
  expect(await uploaded(fault as Fault)).toMatchObject(seen);
});

it("silence ends when its sender has had enough", async () => {
  const abort = new AbortController();
  const answer = faulty(() => "silent").fetch("https://api.example", { signal: abort.signal });
  abort.abort();
  await expect(answer).rejects.toThrow();
});
