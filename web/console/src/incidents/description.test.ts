import { describe, expect, it } from "vitest";
import { breadcrumbsOf, exceptionsOf, linesOf, restOf } from "./description";

const FRAMES = [
  { function: "get", filename: "/usr/lib/python3.11/site-packages/django/base.py", lineno: 140 },
  {
    function: "charge",
    filename: "school/payments.py",
    lineno: 31,
    in_app: true,
    pre_context: ["def charge(order):", "    client = provider()"],
    context_line: "    client.post(order)",
    post_context: ["    return"],
    vars: { order: "<Order 8812>" },
  },
];

describe("exceptionsOf", () => {
  it("puts the outermost exception and the innermost frame first", () => {
    const [outer, inner] = exceptionsOf({
      exceptions: [
        { type: "TimeoutError" },
        { type: "PaymentTimeout", value: "no answer", frames: FRAMES, handled: false },
      ],
    });
    expect(outer).toMatchObject({ type: "PaymentTimeout", value: "no answer", handled: false });
    expect(outer?.frames.map((frame) => frame.function)).toEqual(["charge", "get"]);
    expect(inner).toMatchObject({ type: "TimeoutError", frames: [], handled: null });
  });

  it("knows the application's own frames, also where the SDK does not say", () => {
    const frames = exceptionsOf({ exceptions: [{ frames: FRAMES }] })[0]?.frames;
    expect(frames?.map(({ inApp }) => inApp)).toEqual([true, false]);
    expect(frames?.[1]?.place).toBe("/usr/lib/python3.11/site-packages/django/base.py:140");
  });

  it("numbers the lines of source around the one that failed", () => {
    const source = exceptionsOf({ exceptions: [{ frames: FRAMES }] })[0]?.frames[0]?.source;
    expect(source?.map(({ number, here }) => [number, here])).toEqual([
      [29, false],
      [30, false],
      [31, true],
      [32, false],
    ]);
  });

  it("takes the stack of a message, and survives what is malformed", () => {
    expect(exceptionsOf({ stack: FRAMES })[0]?.frames).toHaveLength(2);
    expect(exceptionsOf({ exceptions: "none", stack: 7 })).toEqual([]);
    expect(exceptionsOf({ exceptions: [null, { frames: [null, "x"] }] })).toHaveLength(2);
  });
});

it("reads breadcrumbs, the oldest first", () => {
  expect(
    breadcrumbsOf({
      breadcrumbs: [
        { type: "http", data: { url: "/a" } },
        { category: "ui", message: "Pay" },
      ],
    }),
  ).toEqual([
    { nth: 0, at: null, category: "http", level: "info", message: null, data: { url: "/a" } },
    { nth: 1, at: null, category: "ui", level: "info", message: "Pay", data: null },
  ]);
});

it("leaves to the rest what has no form of its own", () => {
  expect(restOf({ exceptions: [], tags: {}, customer_id: 68 })).toEqual({ customer_id: 68 });
});

it("knows the lines of libraries in a stack that is text", () => {
  const lines = linesOf(
    "Error: no\n    at mine (/srv/app/src/a.ts:1:2)\n    at theirs (/srv/node_modules/p/i.js:3:4)\n    at node:internal/x:5",
  );
  expect(lines.map(({ library }) => library)).toEqual([false, false, true, true]);
});
