// A Node service that reports by @sentry/node all that the end-to-end tests read back, and dies of the last of it.

import * as Sentry from "@sentry/node";
import { overdo } from "./overdo.mjs";

class OrderRefused extends Error {
  name = "OrderRefused";
}

Sentry.init({
  dsn: process.env.DSN,
  release: "shop@4.1.0",
  environment: "staging",
  beforeSend: (event) => (event.message === "Nobody needs this" ? null : event),
});

function settle(order) {
  throw new TypeError(`order ${order} has no total`);
}

function charge(order) {
  try {
    settle(order);
  } catch (error) {
    throw new OrderRefused("The order was refused", { cause: error });
  }
}

function refuse() {
  try {
    charge(4711);
  } catch (error) {
    return Sentry.captureException(error);
  }
}

Sentry.setUser({ id: "node-68", email: "cleo@school.example" });
Sentry.setTag("shop", "north");
Sentry.setContext("cart", { items: 3, password: "hunter2" });
Sentry.addBreadcrumb({ category: "cart", message: "The cart has 3 items", level: "info" });
Sentry.captureFeedback({ name: "Cleo", message: "I only wanted to pay", associatedEventId: refuse() });

Sentry.captureMessage("Stock is low", "warning");
Sentry.captureMessage("Nobody needs this");

await flush();

Sentry.withScope((scope) => {
  scope.addAttachment({ filename: "invoice.txt", data: "Invoice 4711", contentType: "text/plain" });
  scope.setExtra("log", "a line of a long log\n".repeat(5000));
  Sentry.captureException(new RangeError("Too much to say"));
});

Sentry.withMonitor("send-invoices", () => "sent", { schedule: { type: "crontab", value: "0 3 * * *" } });

await flush();

// Four at once: it would open thirty connections, more than a small machine answers in time.
for (let attempt = 0; attempt < 12; attempt++) {
  Sentry.withScope((scope) => {
    scope.setUser({ id: `node-${attempt % 3}` });
    Sentry.captureMessage(`Attempt ${attempt} failed`, "error");
  });
  if (attempt % 4 === 3) {
    await flush();
  }
}

const limited = new Sentry.NodeClient({
  dsn: process.env.LIMITED_DSN,
  transport: Sentry.makeNodeTransport,
  stackParser: Sentry.defaultStackParser,
  integrations: [],
});
limited.init();
console.log(JSON.stringify(await overdo(limited)));

function flush() {
  return Sentry.flush(60_000);
}

function reopen() {
  throw new URIError("Nobody catches this");
}

reopen();
