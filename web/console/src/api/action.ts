import { notifications } from "@mantine/notifications";
import { hashKey, type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef } from "react";
import { reason } from "./error";

interface Options<Input, Output> {
  run: (input: Input) => Promise<Output>;
  /** What is said when it is done; nothing where the page itself shows it. */
  done?: (output: Output, input: Input) => string;
  /** What is said when it is refused, before the API's own sentence: `The job was not re-run`. */
  refused: string;
  /** The keys of what it changes, which is read again afterwards, however it ended. */
  changes: readonly QueryKey[];
  /** Shows the change before the API has answered; returns what undoes it. */
  meanwhile?: (input: Input) => () => void;
}

interface Action<Input> {
  run: (input: Input) => void;
  /** Whether any run is in flight: what disables the button. */
  running: boolean;
}

/**
 * Something that an operator does. The same thing is never sent twice at once, however often a button is pressed; a
 * refusal is told in a notification and undoes what was shown meanwhile.
 */
export function useAction<Input, Output>(options: Options<Input, Output>): Action<Input> {
  const client = useQueryClient();
  const inFlight = useRef(new Set<string>());
  const { mutate, isPending } = useMutation<Output, Error, Input, (() => void) | undefined>({
    mutationFn: options.run,
    onMutate: (input) => options.meanwhile?.(input),
    onSuccess: (output, input) => {
      const message = options.done?.(output, input);
      if (message) notifications.show({ message, color: "green" });
    },
    onError: (error, _input, undo) => {
      undo?.();
      notifications.show({ title: options.refused, message: reason(error), color: "red", autoClose: 10_000 });
    },
    onSettled: (_output, _error, input) => {
      inFlight.current.delete(hashKey([input]));
      return Promise.all(options.changes.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  const run = useCallback(
    (input: Input) => {
      // Two clicks may come before the first has disabled the button.
      const same = hashKey([input]);
      if (inFlight.current.has(same)) return;
      inFlight.current.add(same);
      mutate(input);
    },
    [mutate],
  );
  return { run, running: isPending };
}
