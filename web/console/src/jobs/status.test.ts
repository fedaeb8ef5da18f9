import { expect, it } from "vitest";
import { isDeletable, isRetryable, statusOf } from "./status";

it.each([
  [{ status: "pending", stuck: false }, "pending", false, true],
  [{ status: "running", stuck: false }, "running", false, false],
  [{ status: "running", stuck: true }, "stuck", true, true],
  [{ status: "failed", stuck: false }, "failed", true, true],
  [{ status: "succeeded", stuck: false }, "succeeded", false, true],
] as const)("%j is %s, may be re-run: %s, may be deleted: %s", (job, status, retryable, deletable) => {
  expect(statusOf(job)).toBe(status);
  expect(isRetryable(job)).toBe(retryable);
  expect(isDeletable(job)).toBe(deletable);
});
