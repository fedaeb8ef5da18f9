import type { ChannelView, RuleView } from "../api/schema";
import { span } from "../ui/time";
import { happeningWord, USUAL } from "./kinds";

const NAMED = 3;

/** The rules that are always there unless deleted, as the API names them. */
export const DEFAULTS = {
  critical: "Anything critical",
  warning: "Warnings",
  rest: "The rest, every morning",
} as const;

export const CHANNELS = { email: "Email", slack: "Slack", pagerduty: "PagerDuty", webhook: "Webhook" } as const;

/** Whether a rule is one of those that are always there. */
export function isDefault({ rule_id }: Pick<RuleView, "rule_id">): boolean {
  return rule_id in DEFAULTS;
}

/** A span of whole minutes: `5 min`, `1 h 30 min`, `7 d`. */
export function minutes(number: number): string {
  return span(number * 60_000);
}

/** What a rule is about: `New incident, Regression · critical · checkout.* · 5 times in 10 min`. */
export function conditionOf({ on, match, threshold, window_minutes }: RuleView): string {
  const over = minutes(window_minutes);
  const often = threshold > 1 ? `${threshold.toLocaleString("en")} times in ${over}` : null;
  return [
    on[0] === "error_rate" ? `Error rate of ${threshold}% over ${over}` : null,
    on[0] === "latency" ? `p95 of ${span(threshold)} over ${over}` : null,
    happenings(on),
    match.severity?.toLowerCase(),
    match.key,
    match.environment && `in ${match.environment}`,
    match.project_id && `project ${match.project_id}`,
    on[0] === "error_rate" || on[0] === "latency" ? null : often,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** When a rule tells: at once, or in a digest. */
export function whenOf({ digest }: Pick<RuleView, "digest">): string {
  return digest ? `Daily at ${digest.local_time ?? "08:00"}, ${digest.timezone ?? "UTC"}` : "At once";
}

/** By which channels a rule tells, in few words. */
export function channelsOf({ rule_id, channels, digest }: Pick<RuleView, "rule_id" | "channels" | "digest">): string {
  if (channels.length > 0) return [...new Set(channels.map(({ type }) => CHANNELS[type]))].join(", ");
  return rule_id === "warning" && !digest ? "In the digest, until it has a channel" : channelWord({ type: "email" });
}

/** A channel as far as it may be told: where to, and the end of what is secret. */
export function channelWord({ type, to, url, routing_key, region, secrets }: ChannelView): string {
  const where = {
    email: to?.length ? `to ${to.join(", ")}` : "to the subscribers of the deployment",
    slack: url,
    pagerduty: `${routing_key}${region ? ` (${region.toUpperCase()})` : ""}`,
    webhook: `${url}, signed by ${secrets?.join(" and ")}`,
  }[type];
  return `${CHANNELS[type]} ${where}`;
}

function happenings(on: RuleView["on"]): string | null {
  if (on[0] === "error_rate" || on[0] === "latency") return null;
  if (USUAL.every((each) => on.includes(each))) {
    const besides = on.filter((each) => !USUAL.includes(each)).map((each) => happeningWord(each).toLowerCase());
    return ["Everything found", ...besides].join(", ");
  }
  const named = on.slice(0, NAMED).map(happeningWord).join(", ");
  return on.length > NAMED ? `${named} and ${on.length - NAMED} more` : named;
}
