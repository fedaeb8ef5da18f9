import { describe, expect, it, vi } from "vitest";

const session = vi.hoisted(() => ({ idToken: vi.fn(async () => "token"), signInAgain: vi.fn(async () => false) }));
vi.mock("../session/manager", () => session);

const { answer, api } = await import("./client");

function stubFetch(status: number, body: unknown, headers: Record<string, string> = {}) {
  const stub = vi.fn(
    async (_: Request) => new Response(body === null ? null : JSON.stringify(body), { status, headers }),
  );
  vi.stubGlobal("fetch", stub);
  return stub;
}

describe("answer", () => {
  it("gives the data of a call that carried the token", async () => {
    const stub = stubFetch(200, { count: 3 }, { "Content-Type": "application/json" });
    const found = await answer(api.GET("/incidents/count", { params: { query: { status: "ACTIVE" } } }));
    expect(found).toEqual({ count: 3 });
    const request = stub.mock.calls[0]?.[0];
    expect(request?.headers.get("Authorization")).toBe("Bearer token");
    expect(request?.url).toBe("http://localhost:3000/incidents/count?status=ACTIVE");
  });

  it("throws what the API says", async () => {
    const body = {
      Code: "InvalidRequest",
      Message: "severity is wrong.",
      Details: [{ field: "severity", message: "is wrong" }],
    };
    stubFetch(400, body, { "Content-Type": "application/json", "X-Correlation-Id": "c-1", "Retry-After": "7" });
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({
      status: 400,
      code: "InvalidRequest",
      message: "severity is wrong.",
      details: [{ field: "severity", message: "is wrong" }],
      correlationId: "c-1",
      retryAfter: 7,
    });
  });

  it("makes a sentence of an answer that is not the API's", async () => {
    vi.stubGlobal("fetch", async () => new Response("<h1>Bad gateway</h1>", { status: 502 }));
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("502"),
    });
  });

  it("tells when the API cannot be reached", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({ status: 0, code: "Unreachable" });
  });

  it("leaves to sign in again when the token is refused, and shows the refusal of a fresh one", async () => {
    stubFetch(401, { Code: "InvalidToken", Message: "The token is not valid here." });
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({ status: 401 });

    session.signInAgain.mockResolvedValueOnce(true);
    const left = answer(api.GET("/jobs")).then(
      () => "settled",
      () => "settled",
    );
    await vi.waitFor(() => expect(session.signInAgain).toHaveBeenCalledTimes(2));
    expect(await Promise.race([left, new Promise((resolve) => setTimeout(resolve, 20, "leaving"))])).toBe("leaving");
  });
});
