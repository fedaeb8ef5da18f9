import { describe, expect, it, onTestFinished } from "vitest";
import { createReporter, type FailedRequestOptions } from "../src";
import { describeFailure } from "../src/failed-request";
import { serve } from "./server";

const URL = "https://a.example/media/68/parts?token=secret";
const json = (body: unknown, init: ResponseInit = {}) =>
  new Response(JSON.stringify(body), { status: 503, headers: { "X-Correlation-Id": "c-1" }, ...init });
const described = (failure: unknown, facts = {}) => describeFailure(failure, { method: "post", url: URL, ...facts });

describe("a failed request", () => {
  it("is described by its status, the backend's error and the correlation id, without its query", async () => {
    expect(await described(json({ Code: "Busy", Message: "Try later." }))).toEqual({
      kind: "http",
      error_message: "POST /media/68/parts was answered 503 Busy: Try later.",
      method: "POST",
      url: "https://a.example/media/68/parts",
      http_status: 503,
      code: "Busy",
      correlation_id: "c-1",
      body: { Code: "Busy", Message: "Try later." },
    });
  });

  it.each([
    [{ code: "E1", message: "m" }, "E1: m"],
    [{ error: { code: "E1", message: "m" } }, "E1: m"],
    [{ error: "invalid_grant", error_description: "m" }, "m"],
    [{ errors: [{ code: "E1", message: "m" }, { message: "n" }] }, "E1: m"],
    [{ detail: [{ msg: "m", type: "missing" }] }, "missing: m"],
    [{ title: "m", type: "about:blank" }, "about:blank: m"],
    [{ detail: "m" }, "m"],
    [{ message: "Forbidden" }, "Forbidden"],
    [[], ""],
    [null, ""],
  ])("finds what %j says", async (body, words) => {
    const found = await described(json(body, { status: 400 }));
    expect(found?.error_message).toBe(`POST /media/68/parts was answered 400${words && ` ${words}`}`);
  });

  it("reads a store's XML", async () => {
    const xml = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    const found = await described(new Response(xml, { status: 403 }));
    expect(found).toMatchObject({ code: "AccessDenied", body: xml });
    expect(found?.error_message).toMatch(/403 AccessDenied: Request has expired$/);
  });

  it("tells networks, time limits, nonsense and the caller's own wish apart", async () => {
    expect(await described(new TypeError("Failed to fetch"))).toMatchObject({
      kind: "network",
      error_message: "POST /media/68/parts got no answer: Failed to fetch",
    });
    const silent = await serve(() => undefined);
    const limited = await fetch(silent.url, { signal: AbortSignal.timeout(20) }).catch((error) => error);
    expect(await described(limited)).toMatchObject({ kind: "timeout" });
    const nonsense = await new Response("<html>").json().catch((error) => error);
    expect(await described(nonsense)).toMatchObject({ kind: "malformed" });
    expect(await described(new Response("<html>"), { method: undefined })).toMatchObject({
      kind: "malformed",
      error_message: "GET /media/68/parts was answered with something unexpected",
      body: "<html>",
    });
    expect(await described(Response.error())).toMatchObject({ kind: "network" });
    expect(await described(new DOMException("", "AbortError"))).toBeUndefined();
  });

  it("leaves the body to the caller, and takes one that was read already", async () => {
    const response = json({ Code: "Busy" });
    const describing = described(response);
    expect(await response.json()).toEqual({ Code: "Busy" });
    expect(await describing).toMatchObject({ code: "Busy" });
    expect(await described(response)).not.toHaveProperty("body");
    expect(await described(response, { body: { Code: "Busy" } })).toMatchObject({ code: "Busy" });
  });

  it("reads no more than the beginning of a body", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new TextEncoder().encode("x".repeat(1_000)));
      },
    });
    const found = await described(new Response(endless, { status: 500 }));
    expect(found?.body).toHaveLength(8_192);
    expect(pulled).toBeLessThan(20);
  });
});

describe("reportFailedRequest", () => {
  async function reported(failure: unknown, options?: FailedRequestOptions) {
    const { url, arrived } = await serve(() => ({ status: 202, body: {} }));
    const reporter = createReporter({ endpoint: url, key: "k" });
    onTestFinished(() => reporter.stop());
    reporter.reportFailedRequest(failure, options);
    await new Promise((resolve) => setTimeout(resolve));
    reporter.flush();
    await expect.poll(() => arrived.length).toBe(1);
    return JSON.parse(arrived[0]?.body.toString() ?? "").reports[0];
  }

  it("reports it under its status, with all that is known of it", async () => {
    expect(
      await reported(json({ Code: "Busy", Message: "m" }), { method: "POST", url: URL, user_id: 68 }),
    ).toMatchObject({
      error_key: "failed_request.503",
      severity: "HIGH",
      endpoint: "POST https://a.example/media/68/parts",
      http_status: 503,
      correlation_id: "c-1",
      response_data: { Code: "Busy", Message: "m" },
      user_id: 68,
      description: { error_message: "POST /media/68/parts was answered 503 Busy: m", code: "Busy" },
    });
  });

  it("reports it under another key where one is given, and under its kind where there is no status", async () => {
    expect(await reported(json([], { status: 404 }), { error_key: "menu" })).toMatchObject({
      error_key: "menu",
      severity: "MEDIUM",
      response_data: { body: [] },
    });
    expect(await reported(new TypeError("Failed to fetch"))).toMatchObject({ error_key: "failed_request.network" });
  });
});
