import type { Error as Body, Fault } from "./schema";

/** What the API refused, in its own words; of status 0 where it could not be reached at all. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly details: readonly Fault[] = [],
    /** Names the request in the API's logs. */
    readonly correlationId: string | null = null,
    /** Seconds until it is worth trying again, where the API says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Reads the error of an answer, whatever stood between us and the API. */
  static of(response: Response, body: unknown): ApiError {
    const said = isError(body) ? body : null;
    const retryAfter = response.headers.get("Retry-After");
    return new ApiError(
      said?.Message ?? `The API answered with ${response.status}, and without saying why.`,
      response.status,
      said?.Code ?? "Unknown",
      said?.Details ?? [],
      response.headers.get("X-Correlation-Id"),
      retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null,
    );
  }
}

/** The API could not be reached: the network, a name, a refused connection. */
export function unreachable(): ApiError {
  return new ApiError(
    "The API cannot be reached. Check your connection; this page tries again by itself.",
    0,
    "Unreachable",
  );
}

/** What went wrong, for a person. */
export function reason(error: Error): string {
  if (!(error instanceof ApiError)) return "This page is at fault, not you. Reload it and try again.";
  return [error.message, ...error.details.map(({ field, message }) => `${field} ${message}`)]
    .filter((sentence, nth, all) => nth === 0 || !all[0]?.includes(sentence))
    .join(" ");
}

function isError(body: unknown): body is Body {
  return typeof body === "object" && body !== null && "Code" in body && "Message" in body;
}
