import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A request as it arrived. */
export interface Arrived {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** How a request is answered: a function that says nothing leaves the request waiting, `"drop"` breaks the connection. */
export type Answer = { status: number; body?: unknown; headers?: Record<string, string> } | "drop" | undefined;

/** A local server until the end of the test. */
export async function serve(answer: (request: Arrived) => Answer): Promise<{ url: string; arrived: Arrived[] }> {
  const arrived: Arrived[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url as string, "http://localhost");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", headers } = request;
    const one = { method, path: url.pathname, query: url.searchParams, headers, body: Buffer.concat(chunks) };
    arrived.push(one);
    send(response, answer(one));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived };
}

function send(response: ServerResponse, answer: Answer): void {
  if (answer === "drop") response.destroy();
  else if (answer) {
    const { status, body = "", headers = {} } = answer;
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  }
}
