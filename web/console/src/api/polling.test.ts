import { describe, expect, it, vi } from "vitest";
import { ApiError, unreachable } from "./error";
import { every, onReturn, retry, retryDelay } from "./polling";

const refused = (status: number, retryAfter: number | null = null) =>
  new ApiError("No.", status, "Refused", [], null, retryAfter);
const state = { data: {}, status: "success", error: null, dataUpdatedAt: 100_000, errorUpdatedAt: 0 };

describe("every", () => {
  it("is so many seconds while all is well", () => {
    expect(every(5)({ state })).toBe(5000);
  });

  it("asks for a list of three pages a third as often", () => {
    expect(every(5)({ state: { ...state, data: { pages: [1, 2, 3] } } })).toBe(15_000);
  });

  it.each([
    [1_000, 5_000],
    [40_000, 40_000],
    [3_600_000, 120_000],
  ])("failing for %d ms it waits %d ms", (failing, waits) => {
    const failed = { ...state, status: "error", error: unreachable(), errorUpdatedAt: 100_000 + failing };
    expect(every(5)({ state: failed })).toBe(waits);
  });

  it("waits at least as long as the API asks for", () => {
    const failed = { ...state, status: "error", error: refused(429, 300), errorUpdatedAt: 101_000 };
    expect(every(5)({ state: failed })).toBe(300_000);
  });
});

describe("onReturn", () => {
  it.each([
    [null, 100_001, true],
    [unreachable(), 100_001, true],
    [refused(429, 300), 399_999, false],
    [refused(429, 300), 400_000, true],
  ])("after %s, at %d: %s", (error, now, asks) => {
    vi.spyOn(Date, "now").mockReturnValue(now);
    expect(onReturn({ state: { ...state, status: "error", error, errorUpdatedAt: 100_000 } })).toBe(asks);
  });
});

describe("retry", () => {
  it.each([
    [0, true],
    [429, true],
    [500, true],
    [503, true],
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [409, false],
  ])("of status %d: %s", (status, worth) => {
    expect(retry(0, refused(status))).toBe(worth);
  });

  it("ends after two", () => {
    expect(retry(1, refused(503))).toBe(true);
    expect(retry(2, refused(503))).toBe(false);
  });

  it("waits longer each time, and at least what the API asks for", () => {
    expect(retryDelay(0, refused(503))).toBe(1000);
    expect(retryDelay(1, refused(503))).toBe(2000);
    expect(retryDelay(0, refused(503, 7))).toBe(7000);
  });
});
