import createClient from "openapi-fetch";
import { idToken, renewedToken, signInAgain } from "../session/manager";
import { settings } from "../settings";
import { ApiError, unreachable } from "./error";
import type { paths } from "./schema";

/** The API of this deployment, typed from its own description; calls carry the token of whoever is signed in. */
export const api = createClient<paths>({
  baseUrl: new URL(settings.api, location.origin).href.replace(/\/$/, ""),
  fetch: send,
});

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

async function send(request: Request): Promise<Response> {
  // A body is sent once.
  const again = request.clone();
  const token = await idToken();
  const response = await sendWith(token, request);
  if (response.status !== 401) return response;
  const another = await renewedToken(token);
  const second = another ? await sendWith(another, again) : response;
  // The browser is leaving: nothing that this page could still show of the answer would be right.
  if (second.status === 401 && (await signInAgain())) await new Promise(() => {});
  return second;
}

function sendWith(token: string | undefined, request: Request): Promise<Response> {
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  return fetch(request);
}
