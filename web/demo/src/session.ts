import { type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { useEffect, useState } from "react";
import { home, settings } from "./settings";

/** Signs customers in by the code flow with PKCE; what it knows is gone when the tab is closed. */
const manager = new UserManager({
  authority: settings.issuer,
  client_id: settings.client_id,
  redirect_uri: home,
  scope: "openid profile email",
  userStore: new WebStorageStateStore({ store: sessionStorage }),
  automaticSilentRenew: false,
  monitorSession: false,
});

// In a frame it could not be renewed: the page may hold none.
manager.events.addAccessTokenExpiring(async () => {
  const user = await manager.getUser();
  if (user?.refresh_token) await manager.signinSilent().catch(() => undefined);
});

/** A customer who is signed in. */
export interface Customer {
  id: string;
  name: string;
}

export interface Session {
  customer: Customer | null;
  /** Why signing in did not work. */
  error?: string;
}

/** Who is signed in; undefined until that is known. */
export function useSession(): Session | undefined {
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    const known = (user: User | null) => setSession({ customer: user && customerOf(user) });
    entered ??= enter();
    entered.then(known, (error: Error) => setSession({ customer: null, error: error.message }));
    return manager.events.addUserLoaded(known);
  }, []);
  return session;
}

/** The token that the API asks for. Rejects when nobody is signed in any more. */
export async function idToken(): Promise<string> {
  const user = await manager.getUser();
  if (!user?.id_token || user.expired) throw new Error("nobody is signed in");
  return user.id_token;
}

/** Leaves for the issuer, to come back. */
export function signIn(): Promise<void> {
  return manager.signinRedirect();
}

export async function signOut(): Promise<void> {
  await manager.removeUser();
  location.assign(settings.logout_url ?? home);
}

let entered: Promise<User | null> | undefined;

/** The issuer sends customers back with a code, which is good once. */
async function enter(): Promise<User | null> {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return manager.getUser().then((user) => (user?.expired ? null : user));
  try {
    return await manager.signinRedirectCallback();
  } finally {
    history.replaceState(null, "", home);
  }
}

function customerOf({ profile }: User): Customer {
  return { id: profile.sub, name: profile.name ?? profile.email ?? profile.sub };
}
