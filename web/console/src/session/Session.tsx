import { Button, Group } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { AuthProvider, useAuth } from "react-oidc-context";
import { settings } from "../settings";
import { Message } from "../shell/Message";
import { isAdmin, nameOf } from "./groups";
import { comeBack, comeIn, manager, signIn, signOut } from "./manager";

/** Shows the console to signed-in admins alone; everybody else is sent to the issuer, or told why not. */
export function Session({ children }: { children: ReactNode }) {
  return (
    <AuthProvider userManager={manager} onSigninCallback={comeBack}>
      <Gate>{children}</Gate>
    </AuthProvider>
  );
}

function Gate({ children }: { children: ReactNode }) {
  const { user, isLoading, isAuthenticated, error } = useAuth();
  const [failure, setFailure] = useState<Error>();
  const signedOut = useSignedOut();
  const away = !isLoading && !isAuthenticated && !error && !failure && !signedOut;

  useEffect(() => {
    if (away) comeIn().catch(setFailure);
  }, [away]);

  if (user && isAuthenticated) return isAdmin(user.profile, settings.groups_claim) ? children : <TurnedAway />;
  if (signedOut) return <SignedOut />;
  const wrong = error ?? failure;
  if (wrong) return <CannotSignIn error={wrong} />;
  return null;
}

function TurnedAway() {
  const { user } = useAuth();
  return (
    <Message
      title="This console is for admins"
      actions={<Button onClick={() => void signOut()}>Sign in as somebody else</Button>}
    >
      You are signed in as <strong>{nameOf(user?.profile ?? {})}</strong>, who is not in the group <code>admin</code>.
      Ask whoever runs Groundcrew for you to add you to it, then sign in again.
    </Message>
  );
}

function SignedOut() {
  return (
    <Message
      title="You are signed out"
      actions={<Button onClick={() => void signIn(true).catch(() => location.reload())}>Sign in</Button>}
    >
      Nothing of your session is left in this tab.
    </Message>
  );
}

function CannotSignIn({ error }: { error: Error }) {
  return (
    <Message
      title="Signing in did not work"
      actions={
        <Group>
          <Button onClick={() => void signIn().catch(() => location.reload())}>Try again</Button>
        </Group>
      }
    >
      The issuer <code>{settings.issuer}</code> said: {error.message}. If that goes on, tell whoever runs Groundcrew for
      you.
    </Message>
  );
}

/** Whether somebody has signed out in this tab: the issuer may still know them, and would sign them in at once. */
function useSignedOut(): boolean {
  const { events } = useAuth();
  const [signedOut, setSignedOut] = useState(false);
  useEffect(() => events.addUserUnloaded(() => setSignedOut(true)), [events]);
  return signedOut;
}
