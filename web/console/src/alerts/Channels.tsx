import { ActionIcon, Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { Plus, X } from "lucide-react";
import type { Faults } from "../api/faults";
import type { ChannelView } from "../api/schema";
import classes from "./Channels.module.css";
import { anew, type ChannelDraft, emptyChannel, isSecret } from "./draft";
import { CHANNELS, channelWord } from "./words";

const MOST = 5;
const TYPES = Object.entries(CHANNELS).map(([value, label]) => ({ value, label }));

interface Props {
  /** Null where those that are stored stay as they are. */
  channels: ChannelDraft[] | null;
  stored: readonly ChannelView[];
  onChange: (channels: ChannelDraft[] | null) => void;
  faults: Faults;
}

/** The channels of a rule: those that are stored, as far as they may be shown, or all of them entered anew. */
export function Channels({ channels, stored, onChange, faults }: Props) {
  if (!channels) {
    return (
      <fieldset className={classes.channels}>
        <legend>Channels</legend>
        <ul className={classes.stored}>
          {stored.map((channel, nth) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: channels have no other name, and do not move
            <li key={nth}>{channelWord(channel)}</li>
          ))}
        </ul>
        <Button variant="default" onClick={() => onChange(anew(stored))}>
          Enter them anew…
        </Button>
      </fieldset>
    );
  }
  const set = (id: string, change: Partial<ChannelDraft>) =>
    onChange(channels.map((channel) => (channel.id === id ? { ...channel, ...change } : channel)));
  return (
    <fieldset className={classes.channels}>
      <legend>Channels</legend>
      {isSecret(stored) && (
        <Text fz="xs" c="dimmed" mb={6}>
          These replace all that there are. What is secret is never shown, so it is to be entered again.{" "}
          <button type="button" className={classes.keep} onClick={() => onChange(null)}>
            Keep the stored ones
          </button>
        </Text>
      )}
      {channels.length === 0 && (
        <Text fz="xs" c="dimmed" mb={6}>
          Without any, it is told by email to the subscribers of the deployment.
        </Text>
      )}
      <Stack gap="xs">
        {channels.map((channel, nth) => (
          <div key={channel.id} className={classes.channel}>
            <Group gap="xs" justify="space-between" wrap="nowrap">
              <NativeSelect
                size="xs"
                aria-label={`Channel ${nth + 1}`}
                data={TYPES}
                value={channel.type}
                onChange={({ currentTarget: { value } }) => set(channel.id, { type: value as ChannelDraft["type"] })}
              />
              <ActionIcon
                aria-label={`Remove channel ${nth + 1}`}
                onClick={() => onChange(channels.filter(({ id }) => id !== channel.id))}
              >
                <X size={14} />
              </ActionIcon>
            </Group>
            <Fields
              channel={channel}
              set={(change) => set(channel.id, change)}
              fault={(field) => faults[`channels[${nth}].${field}`]}
            />
          </div>
        ))}
      </Stack>
      {channels.length < MOST && (
        <Button
          variant="default"
          mt="xs"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() => onChange([...channels, emptyChannel()])}
        >
          Add a channel
        </Button>
      )}
    </fieldset>
  );
}

interface FieldsProps {
  channel: ChannelDraft;
  set: (change: Partial<ChannelDraft>) => void;
  fault: (field: string) => string | undefined;
}

function Fields({ channel, set, fault }: FieldsProps) {
  switch (channel.type) {
    case "email":
      return (
        <TextInput
          label="To"
          placeholder="ops@example.com, boss@example.com"
          description="Empty, those who subscribed to the deployment's topic are told."
          value={channel.to}
          onChange={({ currentTarget: { value } }) => set({ to: value })}
          error={fault("to")}
        />
      );
    case "slack":
      return (
        <TextInput
          label="Webhook URL"
          required
          placeholder="https://hooks.slack.com/services/…"
          autoComplete="off"
          value={channel.url}
          onChange={({ currentTarget: { value } }) => set({ url: value })}
          error={fault("url")}
        />
      );
    case "pagerduty":
      return (
        <>
          <Secret
            label="Integration key"
            required
            description="Of a service's integration of the kind Events API v2."
            value={channel.routing_key}
            onChange={(routing_key) => set({ routing_key })}
            error={fault("routing_key")}
          />
          <NativeSelect
            label="Region"
            data={[
              { value: "us", label: "US" },
              { value: "eu", label: "EU" },
            ]}
            value={channel.region}
            onChange={({ currentTarget: { value } }) => set({ region: value === "eu" ? "eu" : "us" })}
          />
        </>
      );
    case "webhook":
      return (
        <>
          <TextInput
            label="URL"
            required
            placeholder="https://example.com/alerts"
            autoComplete="off"
            value={channel.url}
            onChange={({ currentTarget: { value } }) => set({ url: value })}
            error={fault("url")}
          />
          <Secret
            label="Secret"
            required
            description="At least 16 characters, by which the receiver knows that it was us."
            value={channel.secret}
            onChange={(secret) => set({ secret })}
            error={fault("secrets") ?? fault("secrets[0]")}
          />
          <Secret
            label="Second secret"
            description="Only while one replaces the other: requests carry the signatures of both."
            value={channel.next_secret}
            onChange={(next_secret) => set({ next_secret })}
            error={fault("secrets[1]")}
          />
        </>
      );
  }
}

interface SecretProps {
  label: string;
  description: string;
  required?: boolean;
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

function Secret({ onChange, ...props }: SecretProps) {
  return (
    <TextInput
      type="password"
      // No browser is to offer a password here, or to keep this as one.
      autoComplete="one-time-code"
      onChange={({ currentTarget: { value } }) => onChange(value)}
      {...props}
    />
  );
}
