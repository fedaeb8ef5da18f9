import { describe, expect, it } from "vitest";
import { anew, bodyOf, type ChannelDraft, type Draft, draftOf, emptyChannel, emptyDraft } from "./draft";
import { USUAL } from "./kinds";
import { rule } from "./testing";

const named = { ...emptyDraft(), name: " Mine " };
const sent = (channel: Partial<ChannelDraft>) => bodyOf({ ...named, channels: [{ ...emptyChannel(), ...channel }] });

describe("bodyOf", () => {
  it("sends a rule of which only the name was filled in with what it is by default", () => {
    expect(bodyOf(named)).toEqual({
      name: "Mine",
      on: [...USUAL],
      match: { key: null, severity: null, environment: null, project_id: null },
      threshold: 1,
      window_minutes: 5,
      suppress_minutes: 60,
      digest: null,
      channels: [{ type: "email", to: [] }],
    });
  });

  it("counts only what the API counts: reports and events alone, and what is watched", () => {
    const often = { ...named, threshold: "10" };
    expect(bodyOf({ ...often, on: ["report", "event"] })).toMatchObject({ threshold: 10 });
    expect(bodyOf({ ...often, watched: "latency" })).toMatchObject({ threshold: 10 });
    expect(bodyOf({ ...often, on: ["report", "new_incident"] })).toMatchObject({ threshold: 1 });
    expect(bodyOf(often)).toMatchObject({ threshold: 1 });
  });

  it("leaves the channels of a rule alone that were not touched, and what else it is as it is", () => {
    const { rule_id, enabled, channels, created_at, updated_at, ...said } = rule();
    expect(bodyOf(draftOf(rule()))).toEqual(said);
    expect(bodyOf(draftOf(rule({ channels: [] })))).toEqual({ ...said, channels: [] });
  });

  it("reckons the window of what is watched in hours, and is about nothing else", () => {
    const watching = rule({ on: ["latency"], threshold: 800, window_minutes: 120 });
    expect(draftOf(watching).window).toBe("2");
    expect(bodyOf(draftOf(watching))).toMatchObject({ on: ["latency"], threshold: 800, window_minutes: 120 });
  });

  it("sends a digest with its time and zone", () => {
    const digest = { local_time: "07:30", timezone: "Europe/Berlin" };
    expect(bodyOf(draftOf(rule({ digest })))).toMatchObject({ digest });
  });

  it.each([
    [{ name: "  " }],
    [{ on: [] }],
    [{ on: ["report"], threshold: "0" }],
    [{ watched: "latency", threshold: "1.5" }],
    [{ window: "" }],
    [{ suppress_minutes: "-1" }],
    [{ daily: true, local_time: "" }],
  ] as Partial<Draft>[][])("sends nothing of %j", (change) => {
    expect(bodyOf({ ...named, ...change })).toBeNull();
  });

  it.each([
    [{ to: "a@shop.example, b@shop.example" }, { type: "email", to: ["a@shop.example", "b@shop.example"] }],
    [
      { type: "slack", url: " https://hooks.slack.com/x " },
      { type: "slack", url: "https://hooks.slack.com/x" },
    ],
    [
      { type: "pagerduty", routing_key: "k", region: "eu" },
      { type: "pagerduty", routing_key: "k", region: "eu" },
    ],
    [
      { type: "webhook", url: "https://x", secret: "new", next_secret: "old" },
      { type: "webhook", url: "https://x", secrets: ["new", "old"] },
    ],
  ] as const)("sends a channel of %j", (channel, body) => {
    expect(sent(channel)?.channels).toEqual([body]);
  });

  it.each([
    [{ type: "slack" }],
    [{ type: "pagerduty" }],
    [{ type: "webhook", url: "https://x" }],
    [{ type: "webhook", secret: "s" }],
  ] as const)("sends nothing of a channel that lacks something: %j", (channel) => {
    expect(sent(channel)).toBeNull();
  });
});

it("offers channels without a secret to be changed as they are", () => {
  const [email] = rule().channels;
  const { channels } = draftOf(rule({ channels: email ? [email] : [] }));
  expect(channels).toMatchObject([{ type: "email", to: "ops@shop.example" }]);
  expect(draftOf(rule()).channels).toBeNull();
});

it("asks again for what is secret of channels that are entered anew, and for nothing else", () => {
  const [email, webhook] = anew(rule().channels);
  expect(email).toMatchObject({ type: "email", to: "ops@shop.example" });
  expect(webhook).toMatchObject({ type: "webhook", url: "", secret: "" });
});
