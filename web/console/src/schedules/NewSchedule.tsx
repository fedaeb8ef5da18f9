import { SimpleGrid, TextInput } from "@mantine/core";
import { useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { answer, api } from "../api/client";
import { useMaking } from "../api/making";
import type { NewSchedule as Body } from "../api/schema";
import { ownZone } from "../ui/days";
import { Form } from "../ui/Form";
import { JsonField } from "../ui/JsonField";
import { New } from "../ui/New";
import { readObject } from "../ui/object";
import { ZoneSelect } from "../ui/ZoneSelect";
import { later, localOf, minutesBetween, momentOf } from "./times";

const HOUR_MS = 3_600_000;
const LESSON_MINUTES = 45;

interface Draft {
  title: string;
  /** Local to the time zone, as `2026-01-25T08:15`. */
  starts: string;
  ends: string;
  timezone: string;
  context: string;
}

/** Makes a schedule, and goes to it. */
export function NewSchedule() {
  return <New what="schedule">{(close) => <Fields onCancel={close} />}</New>;
}

function Fields({ onCancel }: { onCancel: () => void }) {
  const [draft, setDraft] = useState(nextHour);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const { make, making, faults } = useMake();
  const backwards = Boolean(draft.starts && draft.ends && draft.ends <= draft.starts);
  const body = backwards ? null : bodyOf(draft);
  return (
    <Form
      act="Make schedule"
      onSubmit={() => body && make(body)}
      onCancel={onCancel}
      saving={making}
      ready={body !== null}
    >
      <TextInput
        label="Title"
        required
        maxLength={200}
        value={draft.title}
        onChange={({ currentTarget: { value } }) => set({ title: value })}
        error={faults.title}
        data-autofocus
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm">
        <TextInput
          label="Starts"
          type="datetime-local"
          required
          value={draft.starts}
          onChange={({ currentTarget: { value } }) =>
            set({ starts: value, ...(value && { ends: moved(draft, value) }) })
          }
          error={faults.starts_at}
        />
        <TextInput
          label="Ends"
          type="datetime-local"
          required
          value={draft.ends}
          onChange={({ currentTarget: { value } }) => set({ ends: value })}
          error={backwards ? "It must end after it starts." : faults.ends_at}
        />
      </SimpleGrid>
      <ZoneSelect value={draft.timezone} onChange={(timezone) => set({ timezone })} error={faults.timezone} />
      <JsonField
        label="Context"
        value={draft.context}
        onChange={(context) => set({ context })}
        {...(faults.context && { error: faults.context })}
      />
    </Form>
  );
}

function useMake() {
  const navigate = useNavigate();
  const { search } = useLocation();
  return useMaking({
    what: "schedule",
    send: (body: Body, header) => answer(api.POST("/schedules", { params: { header }, body })),
    done: ({ schedule_id, title }) => {
      void navigate({ pathname: `/schedules/${schedule_id}`, search });
      return `${title} is made.`;
    },
    changes: [["schedules", "list"]],
  });
}

function bodyOf({ title, starts, ends, timezone, context }: Draft): Body | null {
  const own = readObject(context);
  if (!title.trim() || !starts || !ends || own === undefined) return null;
  return {
    title: title.trim(),
    starts_at: momentOf(starts, timezone),
    ends_at: momentOf(ends, timezone),
    timezone,
    ...(own && { context: own }),
  };
}

/** The end that goes along with a start, so that it takes as long as before. */
function moved({ starts, ends }: Draft, to: string): string {
  const minutes = starts && ends ? minutesBetween(starts, ends) : LESSON_MINUTES;
  return later(to, Math.max(minutes, 1));
}

function nextHour(): Draft {
  const timezone = ownZone();
  const starts = localOf(Math.ceil(Date.now() / HOUR_MS) * HOUR_MS, timezone);
  return { title: "", starts, ends: later(starts, LESSON_MINUTES), timezone, context: "" };
}
