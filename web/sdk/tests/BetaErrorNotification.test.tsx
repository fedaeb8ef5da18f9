// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, expect, it, vi } from "vitest";
import { BetaErrorNotification } from "../src/react";

afterEach(cleanup);

it("says what happened, that it is beta, and that the data is safe", () => {
  render(<BetaErrorNotification errorType="Upload failed" message="a.mov was not sent." severity="HIGH" />);
  const alert = screen.getByRole("alert");
  for (const words of ["BETA", "Upload failed", "a.mov was not sent.", "Your data is safe."]) {
    expect(alert.textContent).toContain(words);
  }
  expect(screen.queryByRole("button")).toBeNull();
});

it("interrupts a screen reader for what is severe alone", () => {
  render(<BetaErrorNotification errorType="Slow" message="m" severity="MEDIUM" />);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(screen.getByRole("status").textContent).toContain("Slow");
});

it("shows details when asked", async () => {
  render(
    <BetaErrorNotification errorType="e" message="m" details={{ File: "a.mov", Status: 503, Upload: undefined }} />,
  );
  const button = screen.getByRole("button", { name: "Show details", expanded: false });
  expect(screen.queryByText("a.mov")).toBeNull();
  await userEvent.click(button);
  expect(screen.getByRole("button", { name: "Hide details", expanded: true })).toBe(button);
  expect(screen.getAllByRole("term").map(({ textContent }) => textContent)).toEqual(["Severity", "File", "Status"]);
});

it("hides them where the page wants that", () => {
  render(<BetaErrorNotification errorType="e" message="m" showDetails={false} details={{ File: "a.mov" }} />);
  expect(screen.queryByRole("button")).toBeNull();
});

it("is closed by its button, and by Escape from within", async () => {
  const onClose = vi.fn();
  render(<BetaErrorNotification errorType="Upload failed" message="m" onClose={onClose} />);
  await userEvent.keyboard("{Escape}");
  expect(onClose).not.toHaveBeenCalled();
  await userEvent.tab();
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Close: Upload failed" }));
  await userEvent.keyboard("{Escape}");
  await userEvent.keyboard("{Enter}");
  expect(onClose).toHaveBeenCalledTimes(2);
});
