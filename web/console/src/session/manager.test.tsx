import type { User } from "oidc-client-ts";
import { expect, it, vi } from "vitest";

const from = (place: string) => ({ state: { place } }) as unknown as User;

/** The module as a page finds it that has just been loaded. */
async function loaded() {
  vi.resetModules();
  const session = await import("./manager");
  const leave = vi.spyOn(session.manager, "signinRedirect").mockResolvedValue();
  return { ...session, leave };
}

it("comes back to where signing in began", async () => {
  const { comeBack } = await loaded();
  comeBack(from("/console/incidents?status=ACTIVE#x"));
  expect(location.pathname + location.search + location.hash).toBe("/console/incidents?status=ACTIVE#x");
});

it.each(["/demo", "https://elsewhere.example/console", "//elsewhere.example/console"])(
  "does not come back to %s, which is none of its places",
  async (place) => {
    const { comeBack } = await loaded();
    comeBack(from(place));
    expect(location.pathname).toBe("/console");
  },
);

it("signs in again once, however many calls are refused, and says where to come back to", async () => {
  history.replaceState(null, "", "/console/jobs?status=failed");
  const { signInAgain, leave } = await loaded();
  expect(await Promise.all([signInAgain(), signInAgain()])).toEqual([true, true]);
  expect(leave).toHaveBeenCalledOnce();
  expect(leave).toHaveBeenCalledWith({ state: { place: "/console/jobs?status=failed" } });
});

it("stays when a token fresh from the issuer is refused: another would be, too", async () => {
  const { comeBack, signInAgain, leave } = await loaded();
  comeBack(from("/console/jobs"));
  expect(await signInAgain()).toBe(false);
  expect(leave).not.toHaveBeenCalled();
});

it("comes in by the refresh token, and goes to the issuer only where that is over", async () => {
  const { manager, comeIn, leave } = await loaded();
  vi.spyOn(manager, "getUser").mockResolvedValue({ id_token: "old", refresh_token: "r" } as User);
  const renew = vi.spyOn(manager, "signinSilent").mockResolvedValue({ id_token: "new" } as User);
  await Promise.all([comeIn(), comeIn()]);
  expect(renew).toHaveBeenCalledOnce();
  expect(leave).not.toHaveBeenCalled();

  renew.mockRejectedValue(new Error("It is over."));
  await comeIn();
  expect(leave).toHaveBeenCalledOnce();
});
