import { useQueryClient } from "@tanstack/react-query";
import { act, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { MediaView } from "../api/schema";
import { type Answer, draw, ok, refusal, stubApi } from "../testing-page";
import { Optimise } from "./Optimise";
import { media } from "./testing";

const OPTIMISE = "POST /media/m-1/optimise";

function Media() {
  const { data } = useList<MediaView>({
    key: ["media", "list", {}],
    page: (_, signal) => answer(api.GET("/media", { signal })),
    id: ({ media_id }) => media_id,
    seconds: 600,
  });
  const client = useQueryClient();
  return (
    <>
      {data?.map((each) => (
        <p key={each.media_id}>
          {each.status} <Optimise media={each} />
        </p>
      ))}
      <button type="button" onClick={() => void client.refetchQueries({ queryKey: ["media"] })}>
        Poll
      </button>
    </>
  );
}

function listOf(only: MediaView): Answer {
  return ok({ items: [only], next_cursor: null });
}

/** A list of one media, whose optimising is answered when the test says so. */
async function listed(after: Answer) {
  let list = listOf(media());
  let end = (_: Answer) => {};
  const calls = stubApi({
    "GET /media": () => list,
    [OPTIMISE]: () =>
      new Promise((resolve) => {
        end = (answered) => {
          list = after;
          resolve(answered);
        };
      }),
  });
  draw(<Media />);
  const icon = await screen.findByLabelText("Optimise proof.mov");
  const pressed = () => calls.filter(({ what }) => what === OPTIMISE).length;
  return { icon, pressed, end: (answered: Answer) => end(answered) };
}

const icon = () => screen.queryByLabelText("Optimise proof.mov");

it("is gone at once, before the API has answered, and stays so", async () => {
  const list = await listed(listOf(media({ status: "scheduled", error: null })));
  act(() => {
    // Twice before anything is drawn.
    list.icon.click();
    list.icon.click();
  });
  await waitFor(() => expect(icon()).toBeNull());
  await screen.findByText("scheduled");
  await waitFor(() => expect(list.pressed()).toBe(1));

  // A look at the list that knows nothing of it yet.
  act(() => screen.getByText("Poll").click());
  await screen.findByText("failed");
  expect(icon()).toBeNull();

  act(() => list.end(ok({ job_id: "j-1" }, 202)));
  await screen.findByText("proof.mov will be optimised.");
  await screen.findByText("scheduled");
  expect(icon()).toBeNull();
  expect(list.pressed()).toBe(1);
});

it("comes back where the API refuses, which is told, even if the list cannot be read again", async () => {
  const list = await listed(refusal(503, "Unavailable", "Try again."));
  act(() => list.icon.click());
  await waitFor(() => expect(icon()).toBeNull());
  await waitFor(() => expect(list.pressed()).toBe(1));
  act(() => list.end(refusal(409, "JobInFlight", "This media is being worked on, or will be soon.")));
  await screen.findByText("This media is being worked on, or will be soon.");
  expect(screen.getByText("proof.mov was not scheduled")).toBeTruthy();
  await waitFor(() => expect(icon()).not.toBeNull());
});
