import { act, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { expect, it } from "vitest";
import { type Call, draw, ok, refusal, stubApi } from "../testing-page";
import { Purge } from "./Purge";
import { result } from "./testing";
import { Undo } from "./Undo";

const PURGE = "POST /tasks/purge-future";
const UNDO = "POST /tasks/purge-future/p-1/undo";

/** A page that purges, and offers to undo it. */
function Page() {
  const [purged, setPurged] = useState<string[]>();
  return (
    <>
      <Purge task_id="t-1" onPurged={setPurged} />
      {purged && <Undo purge_ids={purged} onClose={() => setPurged(undefined)} />}
    </>
  );
}

function purges(calls: readonly Call[]): unknown[] {
  return calls.filter(({ what }) => what === PURGE).map(({ body }) => body);
}

const press = (name: string) => act(() => screen.getByText<HTMLElement>(name).click());

it("shows what would go before anything does, deletes it when told, and puts it back", async () => {
  const calls = stubApi({
    [PURGE]: ({ body }) =>
      ok((body as { dry_run: boolean }).dry_run ? result() : result({ dry_run: false, deleted: 2, purge_id: "p-1" })),
    [UNDO]: () => ok({ purge_id: "p-1", restored: 2, already_there: 0, task_gone: 0, complete: true }),
  });
  draw(<Page />);
  press("Purge future…");
  await screen.findByText("2 instances");
  await screen.findByText("Mon, Feb 2, 2026");
  expect(purges(calls)).toEqual([{ dry_run: true, task_id: "t-1" }]);

  const button = screen.getByText<HTMLElement>("Delete 2 instances");
  act(() => {
    button.click();
    button.click();
  });
  await screen.findByText("Deleted 2 instances. Each is made again on its day.");
  expect(purges(calls)).toEqual([
    { dry_run: true, task_id: "t-1" },
    { dry_run: false, task_id: "t-1" },
  ]);

  await screen.findByText(/^Future instances were purged/);
  press("Undo");
  await screen.findByText("Put back 2 instances.");
  await waitFor(() => expect(screen.queryByText("Undo")).toBeNull());
});

it("has nothing to press where there is nothing to purge", async () => {
  const calls = stubApi({ [PURGE]: () => ok(result({ matched: 0, items: [] })) });
  draw(<Page />);
  press("Purge future…");
  await screen.findByText(/^There is nothing to purge/);
  expect(screen.queryByText(/^Delete/)).toBeNull();
  expect(purges(calls)).toHaveLength(1);
});

it("looks anew each time it is asked for", async () => {
  const calls = stubApi({ [PURGE]: () => ok(result()) });
  draw(<Page />);
  press("Purge future…");
  await screen.findByText("2 instances");
  press("Cancel");
  await waitFor(() => expect(screen.queryByText("2 instances")).toBeNull());
  press("Purge future…");
  await screen.findByText("2 instances");
  await waitFor(() => expect(purges(calls)).toHaveLength(2));
});

it("says so where the dry run is refused, and deletes nothing", async () => {
  const calls = stubApi({ [PURGE]: () => refusal(404, "TaskNotFound", "There is no task with this id.") });
  draw(<Page />);
  press("Purge future…");
  await screen.findByText("There is no task with this id.");
  expect(screen.queryByText(/^Delete/)).toBeNull();
  expect(purges(calls)).toEqual([{ dry_run: true, task_id: "t-1" }]);
});
