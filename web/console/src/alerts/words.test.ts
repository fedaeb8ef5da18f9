import { describe, expect, it } from "vitest";
import { USUAL } from "./kinds";
import { rule } from "./testing";
import { channelsOf, channelWord, conditionOf, whenOf } from "./words";

describe("conditionOf", () => {
  it.each([
    [{}, "New incident, Regression · critical · checkout.*"],
    [{ on: ["event"], threshold: 1200, window_minutes: 90, match: {} }, "Every event · 1,200 times in 1 h 30 min"],
    [{ on: ["error_rate"], threshold: 5, window_minutes: 60, match: {} }, "Error rate of 5% over 1 h"],
    [{ on: ["latency"], threshold: 800, window_minutes: 120, match: { key: "/pay" } }, "p95 of 800 ms over 2 h · /pay"],
    [{ on: [...USUAL, "event"], match: { project_id: "2" } }, "Everything found, every event · project 2"],
    [
      { on: ["cascade", "lockout", "quota", "absence"], match: { environment: "beta" } },
      "Cascade, Lockout, Quota and 1 more · in beta",
    ],
  ] as const)("%j is %s", (said, words) => {
    expect(conditionOf(rule(said as Parameters<typeof rule>[0]))).toBe(words);
  });
});

it("says when and by what a rule tells", () => {
  expect(whenOf(rule())).toBe("At once");
  expect(whenOf(rule({ digest: { local_time: "07:30", timezone: "Europe/Berlin" } }))).toBe(
    "Daily at 07:30, Europe/Berlin",
  );
  expect(channelsOf(rule())).toBe("Email, Webhook");
  expect(channelsOf(rule({ channels: [] }))).toBe("Email to the subscribers of the deployment");
  expect(channelsOf(rule({ rule_id: "warning", channels: [] }))).toContain("digest");
});

it.each([
  [{ type: "email", to: ["a@b.example", "c@d.example"] }, "Email to a@b.example, c@d.example"],
  [{ type: "email" }, "Email to the subscribers of the deployment"],
  [{ type: "slack", url: "https://hooks.slack.com/…abcd" }, "Slack https://hooks.slack.com/…abcd"],
  [{ type: "pagerduty", routing_key: "…beef", region: "eu" }, "PagerDuty …beef (EU)"],
  [{ type: "webhook", url: "https://x/…a", secrets: ["…1", "…2"] }, "Webhook https://x/…a, signed by …1 and …2"],
] as const)("%j is %s", (channel, words) => {
  expect(channelWord(channel as unknown as Parameters<typeof channelWord>[0])).toBe(words);
});
