import { describe, expect, it } from "vitest";
import { plain } from "../src/plain";

describe("plain", () => {
  it("keeps what JSON can hold as it is", () => {
    const value = { a: [1, "two", null, true], b: { c: -0.5 } };
    expect(plain(value, 1_000)).toEqual(value);
  });

  it("names what JSON cannot hold", () => {
    const given = { nan: Number.NaN, big: 12n, huge: 1n << 300n, none: undefined, act: () => 1, sign: Symbol("s") };
    expect(plain(given, 1_000)).toEqual({ nan: "NaN", big: "12", huge: "[huge]" });
    expect(plain(new Uint8Array(1_000_000), 1_000)).toBe("[object Uint8Array]");
    expect(plain([undefined], 1_000)).toEqual([null]);
  });

  it("tells what an error holds, its cause, and what was added to it", () => {
    const error = Object.assign(new TypeError("no", { cause: new Error("why") }), { code: "E1" });
    expect(plain(error, 10_000)).toMatchObject({
      name: "TypeError",
      message: "no",
      code: "E1",
      cause: { message: "why" },
      stack: expect.stringContaining("plain.test"),
    });
  });

  it("reads dates and addresses by their toJSON", () => {
    const given = { at: new Date(0), url: new URL("https://a.example/b"), never: new Date(Number.NaN) };
    expect(plain(given, 1_000)).toEqual({ at: "1970-01-01T00:00:00.000Z", url: "https://a.example/b", never: null });
  });

  it("survives what throws when it is read", () => {
    const given = {
      get bad() {
        throw new Error("no");
      },
      json: {
        toJSON() {
          throw new Error("no");
        },
      },
      good: 1,
    };
    expect(plain(given, 1_000)).toEqual({ bad: "[unreadable]", json: "[unreadable]", good: 1 });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(plain(proxy, 1_000)).toBe("[unreadable]");
  });

  it("cuts circles and depths, and nothing that is merely shared", () => {
    const circle: Record<string, unknown> = { shared: [1] };
    circle.again = circle.shared;
    circle.self = circle;
    expect(plain(circle, 1_000)).toEqual({ shared: [1], again: [1], self: "[circular]" });
    let deep: unknown = "bottom";
    for (let depth = 0; depth < 10_000; depth++) deep = [deep];
    expect(JSON.stringify(plain(deep, 1_000))).toBe('[[[[[[[["[too deep]"]]]]]]]]');
    const endless = { toJSON: () => ({ ...endless }) };
    expect(JSON.stringify(plain(endless, 1_000)).length).toBeLessThan(100);
  });

  it("counts numbers as what they are written as", () => {
    const points = Array.from({ length: 60 }, (_, at) =>
      Array.from({ length: 60 }, (_, nth) => 1 / (3 + at * 60 + nth)),
    );
    expect(JSON.stringify(plain(points, 3_000)).length).toBeLessThan(9_000);
  });

  it("says how much is cut", () => {
    expect(plain("x".repeat(20), 17)).toBe(`${"x".repeat(8)}…`);
    expect(plain(Array(150).fill(1), 10_000)).toHaveLength(101);
    expect(plain(Array(150).fill(1), 10_000)).toContain("… 50 more");
    const wide = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`k${index}`, 1]));
    expect(plain(wide, 10_000)).toMatchObject({ _more: 50 });
  });

  it("takes no longer, and no more room, for what is huge", () => {
    const leaf = Array(100).fill("x".repeat(1_000));
    const tree = Array(100).fill(Array(100).fill(Array(100).fill(leaf)));
    const began = performance.now();
    const kept = JSON.stringify(plain({ tree, text: "y".repeat(50_000_000) }, 32_000));
    expect(performance.now() - began).toBeLessThan(500);
    expect(kept.length).toBeLessThan(40_000);
  });
});
