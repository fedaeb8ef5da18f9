import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";
import { vi } from "vitest";

/** What a call of the API was: `POST /tasks`, and what was sent. */
export interface Call {
  what: string;
  body: unknown;
  headers: Headers;
}

/** What the API answers: ok() and refusal() make them. */
export type Answer = { status: number; body: unknown };

/** Stands in for the API: each call is answered by the function of its name. Returns the calls, as they come. */
export function stubApi(answers: Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const text = await request.text();
    const what = `${request.method} ${new URL(request.url).pathname}`;
    const call = { what, body: text ? JSON.parse(text) : null, headers: request.headers };
    calls.push(call);
    const { status, body } = (await answers[what]?.(call)) ?? refusal(404, "NotFound", `Nothing answers ${what}.`);
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  });
  return calls;
}

/** An answer of the API. */
export function ok(body: unknown, status = 200): Answer {
  return { status, body };
}

/** What the API answers where it refuses. */
export function refusal(status: number, Code: string, Message: string): Answer {
  return { status, body: { Code, Message } };
}

/** Draws a part of the console, as a page has it around it; `at` is the path of that page. */
export function draw(part: ReactNode, at = "/"): void {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <MemoryRouter initialEntries={[at]}>
          <Notifications />
          {part}
        </MemoryRouter>
      </QueryClientProvider>
    </MantineProvider>,
  );
}
