import createClient, { type Middleware } from "openapi-fetch";
import { idToken, signInAgain } from "../session/manager";
import { settings } from "../settings";
import { ApiError, unreachable } from "./error";
import type { paths } from "./schema";

/** The API of this deployment, typed from its own description; calls carry the token of whoever is signed in. */
export const api = createClient<paths>({
  baseUrl: new URL(settings.api, location.origin).href.replace(/\/$/, ""),
  // Looked up at each call, so that tests can stand in for it.
  fetch: (request) => globalThis.fetch(request),
});

const credentials: Middleware = {
  async onRequest({ request }) {
    const token = await idToken();
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
  },
  async onResponse({ response }) {
    // The browser is leaving: nothing that this page could still show of the answer would be right.
    if (response.status === 401 && (await signInAgain())) await new Promise(() => {});
  },
};
api.use(credentials);

interface Answered<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws ApiError for every other end that a call can come to. */
export async function answer<Data>(call: Promise<Answered<Data>>): Promise<Data> {
  const { data, error, response } = await call.catch(() => {
    throw unreachable();
  });
  if (!response.ok) throw ApiError.of(response, error);
  return data as Data;
}
