import type { User } from "oidc-client-ts";
import { describe, expect, it, vi } from "vitest";

/** The modules as a page finds them that has just been loaded, for somebody who signed in a while ago. */
async function signedIn(user: Partial<User>) {
  vi.resetModules();
  const { manager } = await import("../session/manager");
  vi.spyOn(manager, "getUser").mockResolvedValue(user as User);
  const renew = vi.spyOn(manager, "signinSilent").mockRejectedValue(new Error("The refresh token is over."));
  const leave = vi.spyOn(manager, "signinRedirect").mockResolvedValue();
  return { ...(await import("./client")), manager, renew, leave };
}

function stubFetch(status: number, body: unknown, headers: Record<string, string> = {}) {
  const stub = vi.fn(
    async (_: Request) => new Response(body === null ? null : JSON.stringify(body), { status, headers }),
  );
  vi.stubGlobal("fetch", stub);
  return stub;
}

describe("answer", () => {
  it("gives the data of a call that carried the token", async () => {
    const { answer, api } = await signedIn({ id_token: "token" });
    const stub = stubFetch(200, { count: 3 }, { "Content-Type": "application/json" });
    const found = await answer(api.GET("/incidents/count", { params: { query: { status: "ACTIVE" } } }));
    expect(found).toEqual({ count: 3 });
    const request = stub.mock.calls[0]?.[0];
    expect(request?.headers.get("Authorization")).toBe("Bearer token");
    expect(request?.url).toBe("http://localhost:3000/incidents/count?status=ACTIVE");
  });

  it("throws what the API says", async () => {
    const { answer, api } = await signedIn({ id_token: "token" });
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
    const { answer, api } = await signedIn({ id_token: "token" });
    vi.stubGlobal("fetch", async () => new Response("<h1>Bad gateway</h1>", { status: 502 }));
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({
      status: 502,
      message: expect.stringContaining("502"),
    });
  });

  it("tells when the API cannot be reached", async () => {
    const { answer, api } = await signedIn({ id_token: "token" });
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({ status: 0, code: "Unreachable" });
  });
});

describe("a token that is refused", () => {
  /** The API, to which one token is good. */
  function stubApi(good: string) {
    const calls: string[] = [];
    vi.stubGlobal("fetch", async (request: Request) => {
      const sent = `${request.headers.get("Authorization")} ${await request.text()}`;
      calls.push(sent);
      return sent.startsWith(`Bearer ${good} `)
        ? Response.json({ ok: true })
        : Response.json({ Code: "InvalidToken", Message: "The token is not valid here." }, { status: 401 });
    });
    return calls;
  }

  const begin = { title: "Feed", recurrence: "daily" };

  it("is renewed once, by however many calls, which are sent again whole", async () => {
    const { answer, api, manager, renew, leave } = await signedIn({ id_token: "old", refresh_token: "r" });
    renew.mockImplementation(async () => {
      const renewed = { id_token: "new", refresh_token: "r" } as User;
      vi.spyOn(manager, "getUser").mockResolvedValue(renewed);
      return renewed;
    });
    const calls = stubApi("new");
    const both = [answer(api.POST("/tasks", { body: begin })), answer(api.GET("/jobs"))];
    await expect(Promise.all(both)).resolves.toEqual([{ ok: true }, { ok: true }]);
    expect(calls.sort()).toEqual([
      "Bearer new ",
      `Bearer new ${JSON.stringify(begin)}`,
      "Bearer old ",
      `Bearer old ${JSON.stringify(begin)}`,
    ]);
    expect(renew).toHaveBeenCalledOnce();
    expect(leave).not.toHaveBeenCalled();
  });

  it("gives way to the one that another call has brought meanwhile", async () => {
    const { answer, api, manager, renew } = await signedIn({ refresh_token: "r" });
    vi.spyOn(manager, "getUser")
      .mockResolvedValueOnce({ id_token: "old" } as User)
      .mockResolvedValue({ id_token: "new" } as User);
    stubApi("new");
    await expect(answer(api.GET("/jobs"))).resolves.toEqual({ ok: true });
    expect(renew).not.toHaveBeenCalled();
  });

  it.each([
    ["there is nothing to renew it by", undefined],
    ["it cannot be renewed", "r"],
  ])("leads to the issuer where %s", async (_, refresh_token) => {
    const { answer, api, leave } = await signedIn({ id_token: "old", ...(refresh_token && { refresh_token }) });
    stubApi("new");
    const left = answer(api.GET("/jobs")).then(
      () => "settled",
      () => "settled",
    );
    await vi.waitFor(() => expect(leave).toHaveBeenCalledOnce());
    expect(await Promise.race([left, new Promise((resolve) => setTimeout(resolve, 20, "leaving"))])).toBe("leaving");
  });

  it("is shown to be, where it is fresh from the issuer", async () => {
    const { answer, api, leave } = await signedIn({ id_token: "old" });
    const { comeBack } = await import("../session/manager");
    comeBack(undefined);
    stubApi("new");
    await expect(answer(api.GET("/jobs"))).rejects.toMatchObject({ status: 401 });
    expect(leave).not.toHaveBeenCalled();
  });
});
