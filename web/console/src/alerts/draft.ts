import type { ChannelView, NewRule, RuleView } from "../api/schema";
import { ownZone } from "../ui/days";
import { SEVERITIES, type Severity } from "../ui/Severity";
import { type Happening, isCounted, USUAL, WATCHED } from "./kinds";

const HOUR = 60;

type Watched = (typeof WATCHED)[number];
type Channel = NonNullable<NewRule["channels"]>[number];

/** What is filled in of a channel; of each type some fields count. */
export interface ChannelDraft {
  /** Tells drafts of channels apart while they come and go. */
  id: string;
  type: Channel["type"];
  to: string;
  url: string;
  routing_key: string;
  region: "us" | "eu";
  secret: string;
  /** The one that replaces the other, while both count. */
  next_secret: string;
}

/** What is filled in of a rule that is to be made or changed. */
export interface Draft {
  name: string;
  /** A rate that is watched; null for what happens. */
  watched: Watched | null;
  on: Happening[];
  key: string;
  severity: Severity | null;
  environment: string;
  project_id: string;
  /** It counts only for what is watched, or can be counted. */
  threshold: string;
  /** In minutes; in hours for what is watched. */
  window: string;
  suppress_minutes: string;
  daily: boolean;
  local_time: string;
  timezone: string;
  /** Null leaves the channels as they are. */
  channels: ChannelDraft[] | null;
}

/** A rule of which nothing is filled in yet. */
export function emptyDraft(): Draft {
  return {
    name: "",
    watched: null,
    on: [...USUAL],
    key: "",
    severity: null,
    environment: "",
    project_id: "",
    threshold: "1",
    window: "5",
    suppress_minutes: "60",
    daily: false,
    local_time: "08:00",
    timezone: ownZone(),
    channels: [emptyChannel()],
  };
}

/** A rule as it is filled in before it is changed: its channels stay as they are where anything of them is secret. */
export function draftOf(rule: RuleView): Draft {
  const watched = WATCHED.find((each) => rule.on[0] === each) ?? null;
  return {
    name: rule.name,
    watched,
    on: watched ? [...USUAL] : rule.on,
    key: rule.match.key ?? "",
    severity: SEVERITIES.find((each) => each === rule.match.severity) ?? null,
    environment: rule.match.environment ?? "",
    project_id: rule.match.project_id ?? "",
    threshold: String(rule.threshold),
    window: String(watched ? rule.window_minutes / HOUR : rule.window_minutes),
    suppress_minutes: String(rule.suppress_minutes),
    daily: rule.digest !== null,
    local_time: rule.digest?.local_time ?? "08:00",
    timezone: rule.digest?.timezone ?? ownZone(),
    channels: isSecret(rule.channels) ? null : anew(rule.channels),
  };
}

/** A channel of which nothing is filled in yet. */
export function emptyChannel(): ChannelDraft {
  return {
    id: crypto.randomUUID(),
    type: "email",
    to: "",
    url: "",
    routing_key: "",
    region: "us",
    secret: "",
    next_secret: "",
  };
}

/** Whether channels hold what is never shown; those of emails are shown whole. */
export function isSecret(channels: readonly ChannelView[]): boolean {
  return channels.some(({ type }) => type !== "email");
}

/** Channels to be entered anew, with what may be known of them: what is secret is to be entered again. */
export function anew(channels: readonly ChannelView[]): ChannelDraft[] {
  return channels.map(({ type, to, region }) => ({
    ...emptyChannel(),
    type,
    to: to?.join(", ") ?? "",
    region: region === "eu" ? "eu" : "us",
  }));
}

/** What a draft is sent as; null while it cannot be. */
export function bodyOf(draft: Draft): NewRule | null {
  const window = whole(draft.window);
  const suppress_minutes = whole(draft.suppress_minutes);
  const channels = draft.channels?.map(channelOf) ?? null;
  const on = draft.watched ? [draft.watched] : draft.on;
  const threshold = draft.watched || isCounted(on) ? whole(draft.threshold) : 1;
  if (!draft.name.trim() || on.length === 0 || !threshold || !window || !suppress_minutes) return null;
  if (draft.daily && !draft.local_time) return null;
  if (channels?.includes(null)) return null;
  return {
    name: draft.name.trim(),
    on,
    match: {
      key: draft.key.trim() || null,
      severity: draft.severity,
      environment: draft.environment.trim() || null,
      project_id: draft.project_id.trim() || null,
    },
    threshold,
    window_minutes: draft.watched ? window * HOUR : window,
    suppress_minutes,
    digest: draft.daily ? { local_time: draft.local_time, timezone: draft.timezone } : null,
    ...(channels && { channels: channels.filter((channel) => channel !== null) }),
  };
}

function channelOf(draft: ChannelDraft): Channel | null {
  const url = draft.url.trim();
  const secrets = [draft.secret, draft.next_secret].map((secret) => secret.trim()).filter(Boolean);
  const routing_key = draft.routing_key.trim();
  switch (draft.type) {
    case "email":
      return { type: "email", to: draft.to.split(/[\s,;]+/).filter(Boolean) };
    case "slack":
      return url ? { type: "slack", url } : null;
    case "pagerduty":
      return routing_key ? { type: "pagerduty", routing_key, region: draft.region } : null;
    case "webhook":
      return url && secrets.length > 0 ? { type: "webhook", url, secrets } : null;
  }
}

/** A whole number from 1, of what was typed; zero for anything else. */
function whole(text: string): number {
  return /^[1-9]\d{0,8}$/.test(text.trim()) ? Number(text) : 0;
}
