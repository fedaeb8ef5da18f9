import { renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { useIdempotencyKey } from "./idempotency";

it("is the same for the same body, and another for another", () => {
  const { result } = renderHook(() => useIdempotencyKey());
  const first = result.current({ title: "a" });
  expect(result.current({ title: "a" })).toBe(first);
  expect(result.current({ title: "b" })).not.toBe(first);
});
