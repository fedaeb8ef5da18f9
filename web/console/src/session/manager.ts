import { type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { basePath, settings } from "../settings";

const REFUSED_WITHIN_MS = 60_000;

let cameBackAt = Number.NEGATIVE_INFINITY;
let leaving: Promise<void> | undefined;
let renewing: Promise<string | undefined> | undefined;

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

/**
 * A token in the place of one that the API has refused, as after a sleep: what another call has brought meanwhile, or
 * what the issuer gives for the refresh token, asked once by however many calls. Nothing where there is no other.
 */
export async function renewedToken(refused: string | undefined): Promise<string | undefined> {
  const present = await idToken();
  const token = present === refused ? await renew() : present;
  return token === refused ? undefined : token;
}

/** Comes in by the refresh token, where there is one that still counts; else leaves for the issuer. */
export async function comeIn(): Promise<void> {
  if (!(await renew())) await signIn();
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

/** The token that the issuer gives for the refresh token; nothing where it gives none. */
function renew(): Promise<string | undefined> {
  renewing ??= refreshed().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function refreshed(): Promise<string | undefined> {
  const user = await manager.getUser();
  if (!user?.refresh_token) return undefined;
  const renewed = await manager.signinSilent().catch(() => null);
  return renewed?.id_token;
}

function placeOf(state: unknown): string | undefined {
  const place = (state as { place?: unknown } | undefined)?.place;
  // Only ever a place of this page, whoever wrote the state.
  return typeof place === "string" && place.startsWith(basePath(document)) ? place : undefined;
}
