import { describe, expect, it } from "vitest";
import { type Answer, ok, refusal, stubApi } from "../testing-page";
import { purge, undo } from "./purging";
import { result } from "./testing";

const PURGE = "POST /tasks/purge-future";
const BUSY = refusal(503, "Unavailable", "Try again.");

/** Answers purges one after the other. */
function answering(...answers: Answer[]) {
  return stubApi({ [PURGE]: () => answers.shift() ?? BUSY });
}

const round = (deleted: number, complete: boolean, purge_id: string | null) =>
  ok(result({ dry_run: false, matched: deleted, deleted, complete, purge_id }));

describe("purge", () => {
  it("goes on until all are gone", async () => {
    const calls = answering(round(500, false, "p-1"), round(20, true, "p-2"));
    await expect(purge(undefined)).resolves.toEqual({ deleted: 520, purge_ids: ["p-1", "p-2"], complete: true });
    expect(calls.map(({ body }) => body)).toEqual([{ dry_run: false }, { dry_run: false }]);
  });

  it("tells what it did where it was stopped, so that it can be undone", async () => {
    answering(round(500, false, "p-1"), BUSY);
    await expect(purge("t-1")).resolves.toEqual({ deleted: 500, purge_ids: ["p-1"], complete: false });
  });

  it("throws where nothing was done", async () => {
    answering(BUSY);
    await expect(purge("t-1")).rejects.toMatchObject({ code: "Unavailable" });
  });

  it("does not go round for ever", async () => {
    const calls = answering(round(0, false, "p-1"), round(0, false, "p-2"));
    await expect(purge("t-1")).resolves.toEqual({ deleted: 0, purge_ids: [], complete: false });
    expect(calls).toHaveLength(1);
  });
});

it("undoes every request of a purge, each to its end", async () => {
  const rounds = [false, true, true];
  const undone = (purge_id: string) => () =>
    ok({ purge_id, restored: 7, already_there: 1, task_gone: 0, complete: rounds.shift() });
  const calls = stubApi({
    "POST /tasks/purge-future/p-1/undo": undone("p-1"),
    "POST /tasks/purge-future/p-2/undo": undone("p-2"),
  });
  await expect(undo(["p-1", "p-2"])).resolves.toBe(21);
  expect(calls.map(({ what }) => what.at(-6))).toEqual(["1", "1", "2"]);
});
