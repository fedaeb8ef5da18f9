import { expect, it } from "vitest";
import { signedAt, spoil, steady } from "./signed";

function signed(file: string, time: string): string {
  return `https://store.example/${file}?X-Amz-Date=20260125T${time}Z&X-Amz-Expires=3600&X-Amz-Signature=${time}`;
}

it("reads when a URL was signed", () => {
  expect(signedAt(signed("a", "081530"))).toBe(Date.parse("2026-01-25T08:15:30Z"));
  expect(signedAt("https://store.example/a")).toBeNaN();
});

it("shows a file by the same URL until that is about to run out", () => {
  const first = signed("poster.jpg", "080000");
  expect(steady(first)).toBe(first);
  expect(steady(signed("poster.jpg", "084459"))).toBe(first);
  const second = signed("poster.jpg", "084500");
  expect(steady(second)).toBe(second);
  expect(steady(signed("poster.jpg", "090000"))).toBe(second);
});

it("tells files apart, and goes by the newest URL where none says when it was signed", () => {
  expect(steady(signed("one.jpg", "080000"))).toContain("one.jpg");
  expect(steady(signed("other.jpg", "080001"))).toContain("other.jpg");
  expect(steady("https://store.example/plain.jpg?1")).toBe("https://store.example/plain.jpg?1");
  expect(steady("https://store.example/plain.jpg?2")).toBe("https://store.example/plain.jpg?2");
});

it("shows a file by the next URL, once, where the first one does not work", () => {
  const [first, next, later] = ["080000", "080005", "080010"].map((time) => signed("early.jpg", time));
  expect(steady(first as string)).toBe(first);
  expect(spoil(first as string)).toBe(true);
  expect(steady(first as string)).toBe(first);
  expect(steady(next as string)).toBe(next);
  expect(spoil(next as string)).toBe(false);
  expect(steady(later as string)).toBe(next);
  const renewed = signed("early.jpg", "084505");
  expect(steady(renewed)).toBe(renewed);
  expect(spoil(renewed)).toBe(true);
});

it("gives up nothing for a URL that is shown no more", () => {
  steady(signed("other-poster.jpg", "080000"));
  expect(spoil(signed("other-poster.jpg", "070000"))).toBe(false);
  expect(spoil(signed("unknown.jpg", "070000"))).toBe(false);
});
