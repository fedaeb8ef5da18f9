import type { InstanceView, PurgeResult } from "../api/schema";

/** An instance that is not done. */
export function instance(date: string): InstanceView {
  return {
    instance_id: `t-1-${date}`,
    task_id: "t-1",
    date,
    title: "Feed the hamster",
    payload: {},
    done: false,
    done_at: null,
    created_at: "2026-01-25T08:15:30.123Z",
  };
}

/** What a purge of two instances finds, but for what is said of it. */
export function result(said: Partial<PurgeResult> = {}): PurgeResult {
  const items = [instance("2026-02-01"), instance("2026-02-02")];
  return { dry_run: true, matched: 2, deleted: 0, items, purge_id: null, complete: true, ...said };
}
