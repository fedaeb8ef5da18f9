// A shop's page that reports by @sentry/browser when its buttons are pressed.

import * as Sentry from "@sentry/browser";
import { overdo } from "./overdo.mjs";

Sentry.init({
  dsn: settings.dsn,
  release: "pages@1.0.0",
  environment: "staging",
  integrations: [Sentry.contextLinesIntegration()],
});
Sentry.setUser({ id: "page-68", email: "cleo@school.example" });

function settle(order) {
  throw new TypeError(`order ${order} has no total`);
}

function charge(order) {
  try {
    settle(order);
  } catch (error) {
    throw new RangeError("The order was refused", { cause: error });
  }
}

function complain() {
  try {
    charge(4711);
  } catch (error) {
    const tags = { bypassed: true, bypass_reason: "paid in the office" };
    const associatedEventId = Sentry.captureException(error, { tags });
    Sentry.captureFeedback({ name: "Cleo", message: "I only wanted to pay", associatedEventId });
  }
}

async function refund() {
  throw new SyntaxError("Nobody waits for this");
}

function leave() {
  addEventListener("pagehide", () => Sentry.captureException(new EvalError("Gone before it was done")));
  location.assign("about:blank");
}

function limit() {
  const client = new Sentry.BrowserClient({
    dsn: settings.limitedDsn,
    transport: Sentry.makeFetchTransport,
    stackParser: Sentry.defaultStackParser,
    integrations: [],
  });
  client.init();
  return overdo(client);
}

/** What a page can read of the hub's answer. */
async function post(url, body) {
  const answer = await fetch(url, { method: "POST", body });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json() };
}

addEventListener("DOMContentLoaded", () => {
  for (const press of [complain, refund, leave]) {
    document.getElementById(press.name).addEventListener("click", press);
  }
});

window.shop = { limit, post, flush: () => Sentry.flush(60_000) };
