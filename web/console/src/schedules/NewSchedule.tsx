import { Button, Group, Modal, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { useFaults } from "../api/faults";
import { useIdempotencyKey } from "../api/idempotency";
import type { NewSchedule as Body } from "../api/schema";
import { ownZone } from "../ui/days";
import { JsonField } from "../ui/JsonField";
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
  const [shown, { open, close }] = useDisclosure();
  return (
    <>
      <Button leftSection={<Plus size={14} aria-hidden />} onClick={open}>
        New schedule
      </Button>
      <Modal opened={shown} onClose={close} title="New schedule" size="lg">
        <Form onCancel={close} />
      </Modal>
    </>
  );
}

function Form({ onCancel }: { onCancel: () => void }) {
  const [draft, setDraft] = useState(nextHour);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const navigate = useNavigate();
  const keyOf = useIdempotencyKey();
  const [faults, watch] = useFaults();
  const { run, running } = useAction({
    run: (body: Body) =>
      watch(answer(api.POST("/schedules", { params: { header: { "Idempotency-Key": keyOf(body) } }, body }))),
    done: ({ schedule_id, title }) => {
      void navigate(`/schedules/${schedule_id}`);
      return `${title} is made.`;
    },
    refused: "The schedule was not made",
    changes: [["schedules", "list"]],
  });
  const backwards = Boolean(draft.starts && draft.ends && draft.ends <= draft.starts);
  const body = backwards ? null : bodyOf(draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (body) run(body);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
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
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={running} disabled={!body}>
            Make schedule
          </Button>
        </Group>
      </Stack>
    </form>
  );
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
