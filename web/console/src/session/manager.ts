import { type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { basePath, settings } from "../settings";

const REFUSED_WITHIN_MS = 60_000;

let cameBackAt = Number.NEGATIVE_INFINITY;
let leaving: Promise<void> | undefined;

/** Signs in at the issuer by the code flow with PKCE; what it knows is gone when the tab is closed. */
export const manager = new UserManager({
  authority: settings.issuer,
  client_id: settings.client_id,
  redirect_uri: location.origin + basePath(document),
  scope: "openid profile email",
  userStore: new WebStorageStateStore({ store: sessionStorage }),
  // In a frame it could not be renewed: the page may hold none. A refresh token is used below, where there is one.
  automaticSilentRenew: false,
  monitorSession: false,
});

manager.events.addAccessTokenExpiring(() => void renew());

/** The token that the API asks for, if somebody is signed in. */
export async function idToken(): Promise<string | undefined> {
  return (await manager.getUser())?.id_token;
}

/** Leaves for the issuer, to come back to this very place; `asked` has it ask who it is, whomever it still knows. */
export function signIn(asked = false): Promise<void> {
  const place = location.pathname + location.search + location.hash;
  leaving ??= manager.signinRedirect({ state: { place }, ...(asked && { prompt: "login" }) });
  return leaving.catch((error: unknown) => {
    leaving = undefined;
    throw error;
  });
}

/** Puts the browser back to where signing in began. */
export function comeBack(user: User | undefined): void {
  cameBackAt = performance.now();
  history.replaceState(null, "", placeOf(user?.state) ?? basePath(document));
}

/**
 * Signs in again after the API has refused the token; returns whether the browser leaves. It stays where the token is
 * fresh from the issuer: another one would be refused as well, and the two would go on for ever.
 */
export async function signInAgain(): Promise<boolean> {
  if (performance.now() - cameBackAt < REFUSED_WITHIN_MS) return false;
  await signIn();
  return true;
}

/** Forgets who is signed in, and tells the issuer where that is wanted. */
export async function signOut(): Promise<void> {
  await manager.removeUser();
  if (settings.logout_url) location.assign(settings.logout_url);
}

async function renew(): Promise<void> {
  const user = await manager.getUser();
  // What cannot be renewed is noticed when the API next refuses it.
  if (user?.refresh_token) await manager.signinSilent().catch(() => undefined);
}

function placeOf(state: unknown): string | undefined {
  const place = (state as { place?: unknown } | undefined)?.place;
  // Only ever a place of this page, whoever wrote the state.
  return typeof place === "string" && place.startsWith(basePath(document)) ? place : undefined;
}
