import { describe, expect, it } from "vitest";
import { bytesOf, createQueue, type Fields, MOST_BATCH_BYTES } from "../src/queue";

const SECOND = 1_000;
const failure = (message: string): Fields => ({ error_key: "k", description: { error_message: message } });
const reportsOf = (batch: { body: string } | undefined) => (batch ? JSON.parse(batch.body).reports : []);

describe("a queue", () => {
  it("gathers for a second", () => {
    const queue = createQueue();
    queue.add(failure("a"), 0);
    queue.add(failure("b"), 400);
    expect(queue.take(999, MOST_BATCH_BYTES)).toBeUndefined();
    expect(queue.nextDue()).toBe(SECOND);
    expect(reportsOf(queue.take(SECOND, MOST_BATCH_BYTES))).toMatchObject([
      { description: { error_message: "a" }, occurred_at: "1970-01-01T00:00:00.000Z" },
      { description: { error_message: "b" }, occurred_at: "1970-01-01T00:00:00.400Z" },
    ]);
    expect(queue.nextDue()).toBeUndefined();
  });

  it("keeps equal reports once, and counts each of the first ten", () => {
    const queue = createQueue();
    for (let index = 0; index < 10; index++) queue.add(failure("a"), index);
    const reports = reportsOf(queue.take(SECOND, MOST_BATCH_BYTES));
    expect(reports).toHaveLength(10);
    expect(new Set(reports.map(({ event_id }: { event_id: string }) => event_id)).size).toBe(10);
    expect(reports.every(({ event_id }: { event_id: string }) => /^[0-9a-f]{32}$/.test(event_id))).toBe(true);
    expect(JSON.stringify(reports)).not.toContain("_repeated");
  });

  it("loses no count silently: of more than ten, the last one tells", () => {
    const queue = createQueue();
    for (let index = 0; index < 1_000; index++) queue.add(failure("a"), index);
    const reports = reportsOf(queue.take(SECOND, MOST_BATCH_BYTES));
    expect(reports).toHaveLength(10);
    expect(reports.at(-1).description).toEqual({ error_message: "a", _repeated: 990 });
    expect(reports.at(-2).description).toEqual({ error_message: "a" });
  });

  it("sends the same again ten seconds later at the earliest", () => {
    const queue = createQueue();
    queue.add(failure("a"), 0);
    queue.take(SECOND, MOST_BATCH_BYTES);
    queue.add(failure("a"), 2 * SECOND);
    queue.add(failure("b"), 2 * SECOND);
    expect(reportsOf(queue.take(3 * SECOND, MOST_BATCH_BYTES))).toMatchObject([
      { description: { error_message: "b" } },
    ]);
    expect(queue.nextDue()).toBe(11 * SECOND);
    expect(reportsOf(queue.take(11 * SECOND, MOST_BATCH_BYTES))).toMatchObject([
      { description: { error_message: "a" } },
    ]);
  });

  it("makes batches of at most 30 reports and the bytes that are asked for", () => {
    const queue = createQueue();
    for (let index = 0; index < 40; index++) queue.add(failure(`a${index}`), 0);
    expect(reportsOf(queue.take(SECOND, MOST_BATCH_BYTES))).toHaveLength(30);
    expect(reportsOf(queue.take(SECOND, MOST_BATCH_BYTES))).toHaveLength(10);

    for (let index = 0; index < 10; index++) queue.add(failure(`${index}${"ü".repeat(10_000)}`), 0);
    const batch = queue.take(SECOND, MOST_BATCH_BYTES);
    expect(reportsOf(batch)).toHaveLength(2);
    expect(batch?.bytes).toBe(bytesOf(batch?.body ?? "") + 1);
    expect(bytesOf(batch?.body ?? "")).toBeLessThan(MOST_BATCH_BYTES);
  });

  it("is bounded in number: the oldest stay, and the next batch tells how many are lost", () => {
    const queue = createQueue();
    for (let index = 0; index < 150; index++) queue.add(failure(`a${index}`), 0);
    const first = reportsOf(queue.take(SECOND, MOST_BATCH_BYTES));
    expect(first[0].description).toEqual({ error_message: "a0", _lost: 50 });
    expect(first[1].description).toEqual({ error_message: "a1" });
  });

  it("is bounded in size", () => {
    const queue = createQueue();
    for (let index = 0; index < 20; index++) queue.add(failure(`${index}${"x".repeat(30_000)}`), 0);
    const [first] = reportsOf(queue.take(SECOND, MOST_BATCH_BYTES));
    expect(first.description._lost).toBe(12);
  });

  it("knows how many reports a batch stands for, should it not arrive", () => {
    const queue = createQueue();
    queue.lose(5);
    for (let index = 0; index < 100; index++) queue.add(failure("a"), 0);
    queue.add(failure("b"), 0);
    const batch = queue.take(SECOND, MOST_BATCH_BYTES);
    expect(reportsOf(batch)).toHaveLength(11);
    expect(batch?.reports).toBe(106);
  });

  it("makes room by forgetting what was sent", () => {
    const queue = createQueue();
    for (let index = 0; index < 100; index++) queue.add(failure(`a${index}`), 0);
    while (queue.take(SECOND, MOST_BATCH_BYTES));
    queue.add(failure("new"), SECOND);
    expect(reportsOf(queue.take(3 * SECOND, MOST_BATCH_BYTES))[0].description).toEqual({ error_message: "new" });
  });
});
