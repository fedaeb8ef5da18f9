import { Checkbox, NativeSelect, SegmentedControl, SimpleGrid, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Faults } from "../api/faults";
import type { ChannelView, NewRule } from "../api/schema";
import { Form } from "../ui/Form";
import { SEVERITIES, SEVERITY_CHOICE } from "../ui/Severity";
import { ZoneSelect } from "../ui/ZoneSelect";
import { Channels } from "./Channels";
import { bodyOf, type Draft } from "./draft";
import { HAPPENINGS, type Happening, isCounted } from "./kinds";

interface Props {
  first: () => Draft;
  /** The channels there are already. */
  stored?: readonly ChannelView[];
  act: string;
  onSave: (body: NewRule) => void;
  onCancel: () => void;
  saving: boolean;
  faults: Faults;
}

/** A rule to be filled in: what it is about, how often that must be, and who is told when. */
export function RuleForm({ first, stored = [], act, onSave, onCancel, saving, faults }: Props) {
  const [draft, setDraft] = useState(first);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const body = bodyOf(draft);
  return (
    <Form act={act} onSubmit={() => body && onSave(body)} onCancel={onCancel} saving={saving} ready={body !== null}>
      <TextInput
        label="Name"
        required
        maxLength={100}
        value={draft.name}
        onChange={({ currentTarget: { value } }) => set({ name: value })}
        error={faults.name}
        data-autofocus
      />
      <About draft={draft} set={set} faults={faults} />
      <Match draft={draft} set={set} faults={faults} />
      <Often draft={draft} set={set} faults={faults} />
      <When draft={draft} set={set} faults={faults} />
      <Channels channels={draft.channels} stored={stored} onChange={(channels) => set({ channels })} faults={faults} />
    </Form>
  );
}

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  faults: Faults;
}

function About({ draft: { watched, on }, set, faults }: PartProps) {
  const choose = (chosen: string) => {
    const next = chosen === "error_rate" || chosen === "latency" ? chosen : null;
    // The figures of one are nothing that another could mean.
    const figures = { error_rate: ["5", "1"], latency: ["1000", "1"], none: ["1", "5"] }[next ?? "none"];
    set({ watched: next, threshold: figures[0] ?? "1", window: figures[1] ?? "1" });
  };
  return (
    <>
      <SegmentedControl
        fullWidth
        aria-label="What it is about"
        value={watched ?? ""}
        onChange={choose}
        data={[
          { value: "", label: "What happens" },
          { value: "error_rate", label: "Error rate" },
          { value: "latency", label: "Latency" },
        ]}
      />
      {!watched && (
        <Checkbox.Group
          label="Tell of"
          description="Every report and every event can be counted, by a rule that tells of nothing else."
          value={on}
          onChange={(chosen) => set({ on: chosen as Happening[] })}
          error={faults.on}
        >
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing={6} mt={6}>
            {HAPPENINGS.map(({ value, label, about }) => (
              <Checkbox key={value} size="xs" value={value} label={label} description={about} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
      )}
    </>
  );
}

function Match({ draft: { watched, key, severity, environment, project_id }, set, faults }: PartProps) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm">
      <TextInput
        label={watched ? "Endpoint" : "Key"}
        description={watched ? "Any, without it." : "An error key or event; abc* is any that begins so."}
        placeholder={watched ? "/checkout" : "checkout.*"}
        maxLength={200}
        value={key}
        onChange={({ currentTarget: { value } }) => set({ key: value })}
        error={faults["match.key"]}
        classNames={{ input: "mono" }}
      />
      {!watched && (
        <NativeSelect
          label="Severity"
          description="An incident that is high is a warning, one below info."
          data={SEVERITY_CHOICE}
          value={severity ?? ""}
          onChange={({ currentTarget: { value } }) =>
            set({ severity: SEVERITIES.find((each) => each === value) ?? null })
          }
        />
      )}
      <TextInput
        label="Environment"
        placeholder="Any"
        maxLength={64}
        value={environment}
        onChange={({ currentTarget: { value } }) => set({ environment: value })}
        error={faults["match.environment"]}
      />
      <TextInput
        label="Project"
        placeholder="Any"
        inputMode="numeric"
        maxLength={10}
        value={project_id}
        onChange={({ currentTarget: { value } }) => set({ project_id: value })}
        error={faults["match.project_id"]}
      />
    </SimpleGrid>
  );
}

function Often({ draft: { watched, on, threshold, window, suppress_minutes, daily }, set, faults }: PartProps) {
  const counts = watched !== null || isCounted(on);
  const units = { error_rate: "At least, in per cent", latency: "p95 of at least, in ms", none: "Times it happens" };
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm" verticalSpacing="sm">
      {counts && (
        <>
          <TextInput
            label={units[watched ?? "none"]}
            type="number"
            min={1}
            max={watched === "error_rate" ? 100 : 1_000_000}
            required
            value={threshold}
            onChange={({ currentTarget: { value } }) => set({ threshold: value })}
            error={faults.threshold}
          />
          <TextInput
            label={watched ? "Within hours" : "Within minutes"}
            type="number"
            min={1}
            max={watched ? 168 : 10_080}
            required
            value={window}
            onChange={({ currentTarget: { value } }) => set({ window: value })}
            error={faults.window_minutes}
          />
        </>
      )}
      {!daily && (
        <TextInput
          label="Then silent, in minutes"
          type="number"
          min={1}
          max={10_080}
          required
          value={suppress_minutes}
          onChange={({ currentTarget: { value } }) => set({ suppress_minutes: value })}
          error={faults.suppress_minutes}
        />
      )}
    </SimpleGrid>
  );
}

function When({ draft: { daily, local_time, timezone }, set, faults }: PartProps) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm" verticalSpacing="sm">
      <NativeSelect
        label="Tell"
        data={[
          { value: "", label: "At once" },
          { value: "daily", label: "Once a day, together" },
        ]}
        value={daily ? "daily" : ""}
        onChange={({ currentTarget: { value } }) => set({ daily: value === "daily" })}
      />
      {daily && (
        <>
          <TextInput
            label="At"
            type="time"
            required
            value={local_time}
            onChange={({ currentTarget: { value } }) => set({ local_time: value })}
            error={faults["digest.local_time"]}
          />
          <ZoneSelect value={timezone} onChange={(zone) => set({ timezone: zone })} error={faults["digest.timezone"]} />
        </>
      )}
    </SimpleGrid>
  );
}
