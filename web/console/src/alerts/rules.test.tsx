import { act, cleanup, screen, waitFor } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { draw, ok, refusal, stubApi } from "../testing-page";
import { Channels } from "./Channels";
import { type ChannelDraft, emptyDraft } from "./draft";
import { Edit } from "./Edit";
import { RuleForm } from "./RuleForm";
import RulesPage from "./RulesPage";
import { Test } from "./Test";
import { rule } from "./testing";
import { DEFAULTS } from "./words";

const PATCH = "PATCH /alerts/rules/r-1";
const press = (name: string) => act(() => screen.getByText<HTMLElement>(name).click());

it("shows what came of a test, by each channel, and tests once however often it is pressed", async () => {
  const [email, webhook] = rule().channels;
  const pager = { type: "pagerduty", routing_key: "…7a7a", region: "us" };
  const results = [
    { channel: email, delivered: true, reason: null },
    { channel: webhook, delivered: false, reason: "The receiver answered 410." },
    { channel: pager, delivered: true, reason: "It could not be resolved again." },
  ];

  const calls = stubApi({ "POST /alerts/rules/r-1/test": () => ok({ results }) });
  draw(<Test rule={rule()} />);
  const button = screen.getByText<HTMLElement>("Test");
  act(() => {
    button.click();
    button.click();
  });
  await screen.findByText("Not delivered");
  expect(screen.getByText("Not delivered").closest("li")?.textContent).toContain("The receiver answered 410.");
  expect(screen.getByText(/^PagerDuty/).closest("li")?.textContent).toContain(
    "DeliveredIt could not be resolved again.",
  );
  expect(calls).toHaveLength(1);
});

it("asks how often only of what can be counted", () => {
  const counting = () => ({ ...emptyDraft(), on: ["report" as const] });
  draw(<RuleForm first={counting} act="Make rule" onSave={vi.fn()} onCancel={vi.fn()} saving={false} faults={{}} />);
  screen.getByLabelText(/^Times it happens/);
  act(() => screen.getByLabelText("Regression").click());
  expect(screen.queryByLabelText(/^Times it happens/)).toBeNull();
});

it("changes a rule without a word of its channels, which are shown as far as they may be", async () => {
  const calls = stubApi({ [PATCH]: () => refusal(503, "Unavailable", "Try again.") });
  draw(<Edit rule={rule()} />);
  press("Edit");
  await screen.findByText("Webhook https://hooks.shop.example/…beef, signed by …cafe");
  press("Save");
  await screen.findByText("Try again.");
  expect(calls[0]?.body).toMatchObject({ name: "Checkout breaks", on: ["new_incident", "regression"] });
  expect(calls[0]?.body).not.toHaveProperty("channels");
});

it("asks for all channels where one is to change, and for what is secret of them again", () => {
  const onChange = vi.fn();
  draw(<Channels channels={null} stored={rule().channels} onChange={onChange} faults={{}} />);
  press("Enter them anew…");
  const [entered] = onChange.mock.lastCall as [ChannelDraft[]];
  cleanup();
  draw(<Channels channels={entered} stored={rule().channels} onChange={onChange} faults={{}} />);
  expect(screen.getByLabelText<HTMLInputElement>("To").value).toBe("ops@shop.example");
  expect(screen.getByLabelText<HTMLInputElement>(/^Secret/).value).toBe("");
  press("Keep the stored ones");
  expect(onChange).toHaveBeenLastCalledWith(null);
});

it("marks the default rules, and restores one that was deleted", async () => {
  const there = Object.entries(DEFAULTS).map(([rule_id, name]) => rule({ rule_id, name, created_at: null }));
  let shown = [...there.slice(1), rule()];
  const calls = stubApi({
    "GET /alerts/rules": () => ok({ items: shown, next_cursor: null }),
    "PATCH /alerts/rules/critical": () => {
      shown = [...there, rule()];
      return ok(there[0]);
    },
  });
  draw(<RulesPage />);
  await screen.findByText("Checkout breaks");
  expect(screen.getAllByText("Default")).toHaveLength(2);
  press("Restore");
  await waitFor(() => expect(screen.getAllByText("Default")).toHaveLength(3));
  expect(screen.queryByText("Restore")).toBeNull();
  expect(calls.find(({ what }) => what.startsWith("PATCH"))?.body).toEqual({ enabled: true });
});
