import type { QueryKey } from "@tanstack/react-query";
import { useAction } from "./action";
import { type Faults, useFaults } from "./faults";
import { useIdempotencyKey } from "./idempotency";

interface Options<Body, Made> {
  /** What is made, in a word: `task`. */
  what: string;
  /** Sends it; with the same header nothing is made twice. */
  send: (body: Body, header: { "Idempotency-Key": string }) => Promise<Made>;
  /** What is done and said when it is made. */
  done: (made: Made) => string;
  changes: readonly QueryKey[];
}

/** Makes what a form sends, once, though it were sent again; what is wrong with it is told by field. */
export function useMaking<Body, Made>({
  what,
  send,
  done,
  changes,
}: Options<Body, Made>): {
  make: (body: Body) => void;
  making: boolean;
  faults: Faults;
} {
  const keyOf = useIdempotencyKey();
  const [faults, watch] = useFaults();
  const { run, running } = useAction({
    run: (body: Body) => watch(send(body, { "Idempotency-Key": keyOf(body) })),
    done,
    refused: `The ${what} was not made`,
    changes,
  });
  return { make: run, making: running, faults };
}
