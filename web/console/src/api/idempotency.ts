import { useCallback, useRef } from "react";

/**
 * The `Idempotency-Key` for what a form sends: the same for the same body, so that what is sent again because its answer
 * was lost is made once; another for another body, which the API would refuse under the first one's.
 */
export function useIdempotencyKey(): (body: unknown) => string {
  const last = useRef({ body: "", key: "" });
  return useCallback((body) => {
    const text = JSON.stringify(body);
    if (last.current.body !== text) last.current = { body: text, key: crypto.randomUUID() };
    return last.current.key;
  }, []);
}
