import { answer, api } from "../api/client";
import type { PurgeResult } from "../api/schema";

/** What a purge, of however many requests, did. */
export interface Purged {
  deleted: number;
  /** What undoes each of its requests. */
  purge_ids: string[];
  /** Whether nothing that should go is left. */
  complete: boolean;
}

/** What a purge would delete: of one task, or of all recurring ones. Changes nothing. */
export function look(task_id: string | undefined, signal: AbortSignal): Promise<PurgeResult> {
  return answer(api.POST("/tasks/purge-future", { body: { dry_run: true, ...(task_id && { task_id }) }, signal }));
}

/**
 * Deletes future instances, request by request until all are gone. Where one fails after others succeeded it tells what
 * was done so far, so that it can be undone; throws ApiError where nothing was.
 */
export async function purge(task_id: string | undefined): Promise<Purged> {
  const purged: Purged = { deleted: 0, purge_ids: [], complete: false };
  const body = { dry_run: false, ...(task_id && { task_id }) };
  while (!purged.complete) {
    const result = await answer(api.POST("/tasks/purge-future", { body })).catch((error: unknown) => {
      if (purged.deleted === 0) throw error;
      return null;
    });
    if (!result) break;
    purged.deleted += result.deleted;
    purged.complete = result.complete;
    if (result.purge_id && result.deleted > 0) purged.purge_ids.push(result.purge_id);
    if (result.deleted === 0) break;
  }
  return purged;
}

/** Puts back what purges deleted; returns how many instances. Safe to repeat. Throws ApiError. */
export async function undo(purge_ids: readonly string[]): Promise<number> {
  let restored = 0;
  for (const purge_id of purge_ids) {
    for (let complete = false; !complete; ) {
      const path = { purge_id };
      const result = await answer(api.POST("/tasks/purge-future/{purge_id}/undo", { params: { path } }));
      restored += result.restored;
      complete = result.complete;
    }
  }
  return restored;
}

/** A number of instances, in words. */
export function instances(number: number): string {
  return `${number.toLocaleString("en")} ${number === 1 ? "instance" : "instances"}`;
}
