// More than a project's quota lets in, by a client of Sentry's SDKs for JavaScript.

const LEFT_S = 5;
const MOST = 100;
const AFTERWARDS = 5;

/**
 * Reports until the hub says that it is enough for this minute, and some more. Resolves to what the client was told
 * when it was enough, and afterwards: `{}` for what it never sent.
 */
export async function overdo(client) {
  const told = [];
  client.on("afterSendEvent", (_event, answer) => told.push(answer));
  const report = async () => {
    client.captureMessage("Too many of these", "error");
    await client.flush(60_000);
    return told.at(-1);
  };
  let enough;
  for (let sent = 0; sent < MOST; sent++) {
    enough = await report();
    // The next minute's quota lets in what follows, so there has to be some of this one left.
    if (Number.parseInt(enough.headers?.["x-sentry-rate-limits"], 10) > LEFT_S) {
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const before = told.length;
  for (let sent = 0; sent < AFTERWARDS; sent++) {
    await report();
  }
  return { enough, afterwards: told.slice(before) };
}
