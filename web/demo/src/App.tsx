import { Homework } from "./Homework";
import mark from "./mark.svg";
import { signIn, signOut, useSession } from "./session";

/** The customer's page: their homework once they are signed in, else the way in. */
export function App() {
  const session = useSession();
  const customer = session?.customer;
  return (
    <>
      <header className="top">
        <img src={mark} alt="" width="32" height="32" />
        <span className="school">Brightfield School</span>
        {customer && (
          <span className="who">
            <span>{customer.name}</span>
            <button type="button" className="plain" onClick={() => void signOut()}>
              Sign out
            </button>
          </span>
        )}
      </header>
      <main>
        {customer && <Homework customer={customer} />}
        {session && !customer && <Welcome error={session.error} />}
      </main>
    </>
  );
}

function Welcome({ error }: { error: string | undefined }) {
  return (
    <section className="card welcome">
      <h1>Hand in homework from your phone</h1>
      <p>Photos and videos, as many as you like. If the connection breaks, the upload goes on where it stopped.</p>
      {error && <p className="error">Signing in did not work: {error}</p>}
      <button type="button" className="primary" onClick={() => void signIn()}>
        Sign in
      </button>
      <p className="aside">
        This is Groundcrew's demo page: its uploads can be made to fail, to watch what becomes of it.
      </p>
    </section>
  );
}
