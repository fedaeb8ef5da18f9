import { describe, expect, it } from "vitest";
import { members, openTo, preview } from "./json";

describe("members", () => {
  it("gives those of objects and lists by name and place", () => {
    expect(members({ a: 1 })).toEqual([["a", 1]]);
    expect(members(["x"])).toEqual([["0", "x"]]);
  });

  it("tells what has none from what is empty", () => {
    expect(members("text")).toBeNull();
    expect(members(null)).toBeNull();
    expect(members({})).toEqual([]);
  });
});

describe("preview", () => {
  it.each([
    [{}, "{}"],
    [[], "[]"],
    [[1, 2], "[2]"],
    [
      { plan: "family", items: [1, 2], more: { a: 1 }, none: null },
      '{ plan: "family", items: [2], more: {…}, none: null }',
    ],
  ])("%j is %s", (value, said) => {
    expect(preview(value)).toBe(said);
  });

  it("ends where a line would be full", () => {
    const said = preview({ short: 1, long: "x".repeat(80), after: 2 });
    expect(said).toBe("{ short: 1, … }");
  });
});

describe("openTo", () => {
  it("opens what is short wholly, and of what is long the first level", () => {
    expect(openTo({ a: { b: { c: 1 } } })).toBe(Number.POSITIVE_INFINITY);
    expect(openTo({ a: Array(60).fill(0) })).toBe(1);
  });
});
