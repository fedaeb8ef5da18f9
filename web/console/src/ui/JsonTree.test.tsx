import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { JsonTree } from "./JsonTree";
import type { Json } from "./json";

function show(value: Json) {
  render(<JsonTree value={value} />, { wrapper: MantineProvider });
}

it("shows what is short at once", () => {
  show({ plan: "family", items: [{ sku: "maths-7" }] });
  expect(screen.getByText("maths-7")).toBeTruthy();
});

it("renders what is deep in large JSON only when it is opened", async () => {
  show({ many: Array(50).fill(1), inner: { secret: { deep: "here" } } });
  expect(screen.queryByText("here")).toBeNull();
  await userEvent.click(screen.getByText("inner:"));
  await userEvent.click(screen.getByText("secret:"));
  expect(screen.getByText("here")).toBeTruthy();
});

it("shows a hundred members of a long list, then more", async () => {
  show(Array.from({ length: 130 }, (_, nth) => `item ${nth}`));
  expect(screen.queryByText("item 100")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "30 more" }));
  expect(screen.getByText("item 129")).toBeTruthy();
});

it("cuts long texts until they are asked for", async () => {
  show({ text: "x".repeat(500) });
  expect(screen.queryByText("x".repeat(500))).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "100 more characters" }));
  expect(screen.getByText("x".repeat(500))).toBeTruthy();
});
