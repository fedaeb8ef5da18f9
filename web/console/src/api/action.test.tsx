import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { useAction } from "./action";
import { ApiError } from "./error";

interface Props {
  run: (id: string) => Promise<unknown>;
  undo?: () => void;
}

function Buttons({ run, undo = () => {} }: Props) {
  const action = useAction({ run, done: () => "Done.", refused: "It was refused", changes: [], meanwhile: () => undo });
  return ["one", "two"].map((id) => (
    <button key={id} type="button" disabled={action.running} onClick={() => action.run(id)}>
      {id}
    </button>
  ));
}

function show(props: Props) {
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <Notifications />
        <Buttons {...props} />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

it("sends the same thing once, however fast it is pressed, and again when it has ended", async () => {
  const ends: (() => void)[] = [];
  const run = vi.fn((_: string) => new Promise<void>((end) => ends.push(end)));
  show({ run });
  const button = screen.getByText<HTMLButtonElement>("one");
  // Two clicks in one task: nothing is drawn between them.
  button.click();
  button.click();
  await waitFor(() => expect(button.disabled).toBe(true));
  expect(run).toHaveBeenCalledTimes(1);

  ends[0]?.();
  await screen.findByText("Done.");
  await waitFor(() => expect(button.disabled).toBe(false));
  button.click();
  await waitFor(() => expect(run).toHaveBeenCalledTimes(2));
  ends[1]?.();
});

it("tells a refusal in the API's own words, and undoes what was shown meanwhile", async () => {
  const undo = vi.fn();
  show({ run: () => Promise.reject(new ApiError("The job runs already.", 409, "JobNotRetryable")), undo });
  screen.getByText<HTMLButtonElement>("two").click();
  await screen.findByText("The job runs already.");
  expect(screen.getByText("It was refused")).toBeTruthy();
  expect(undo).toHaveBeenCalledOnce();
});
