import { Button, Checkbox, Group, Modal, Select, SimpleGrid, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { useFaults } from "../api/faults";
import { useIdempotencyKey } from "../api/idempotency";
import type { NewTask as Body } from "../api/schema";
import { ownZone, today } from "../ui/days";
import { JsonField } from "../ui/JsonField";
import { ZoneSelect } from "../ui/ZoneSelect";
import { bodyOf, type Draft, REPEATS, recurrenceOf, WEEKDAYS } from "./draft";
import { inWords } from "./recurrence";

/** Makes a task, and goes to it. */
export function NewTask() {
  const [shown, { open, close }] = useDisclosure();
  return (
    <>
      <Button leftSection={<Plus size={14} aria-hidden />} onClick={open}>
        New task
      </Button>
      <Modal opened={shown} onClose={close} title="New task" size="lg">
        <Form onCancel={close} />
      </Modal>
    </>
  );
}

function Form({ onCancel }: { onCancel: () => void }) {
  const [draft, setDraft] = useState(empty);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const [faults, watch] = useFaults();
  const { run, running } = useMake(watch);
  const body = bodyOf(draft);
  const recurrence = recurrenceOf(draft);
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
        <Select
          label="Repeats"
          allowDeselect={false}
          data={REPEATS}
          value={draft.repeats}
          onChange={(value) => set({ repeats: REPEATS.find((each) => each.value === value)?.value ?? "none" })}
          error={draft.repeats === "rule" ? undefined : faults.recurrence}
        />
        {draft.repeats === "weekdays" && (
          <Checkbox.Group label="Days" value={draft.weekdays} onChange={(weekdays) => set({ weekdays })}>
            <Group gap="sm" mt={6}>
              {WEEKDAYS.map(({ value, label }) => (
                <Checkbox key={value} size="xs" value={value} label={label} />
              ))}
            </Group>
          </Checkbox.Group>
        )}
        {draft.repeats === "rule" && (
          <TextInput
            label="Rule"
            required
            maxLength={500}
            placeholder="FREQ=MONTHLY;BYDAY=-1FR"
            description={recurrence ? inWords(recurrence, draft.start_date) : "As in RFC 5545; no finer than daily."}
            value={draft.rule}
            onChange={({ currentTarget: { value } }) => set({ rule: value })}
            error={faults.recurrence}
            classNames={{ input: "mono" }}
          />
        )}
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="sm">
          <ZoneSelect value={draft.timezone} onChange={(timezone) => set({ timezone })} error={faults.timezone} />
          <TextInput
            label="Due at"
            type="time"
            required
            value={draft.local_time}
            onChange={({ currentTarget: { value } }) => set({ local_time: value })}
            error={faults.local_time}
          />
          <TextInput
            label={draft.repeats === "none" ? "Date" : "First date"}
            type="date"
            required
            value={draft.start_date}
            onChange={({ currentTarget: { value } }) => set({ start_date: value })}
            error={faults.start_date}
          />
          {draft.repeats !== "none" && (
            <TextInput
              label="Last date"
              type="date"
              min={draft.start_date}
              value={draft.end_date}
              onChange={({ currentTarget: { value } }) => set({ end_date: value })}
              error={faults.end_date}
            />
          )}
        </SimpleGrid>
        <JsonField
          label="Payload"
          value={draft.payload}
          onChange={(payload) => set({ payload })}
          {...(faults.payload && { error: faults.payload })}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={running} disabled={!body}>
            Make task
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function useMake(watch: <Data>(call: Promise<Data>) => Promise<Data>) {
  const navigate = useNavigate();
  const keyOf = useIdempotencyKey();
  return useAction({
    run: (body: Body) =>
      watch(answer(api.POST("/tasks", { params: { header: { "Idempotency-Key": keyOf(body) } }, body }))),
    done: ({ task_id, title }) => {
      void navigate(`/tasks/${task_id}`);
      return `${title} is made.`;
    },
    refused: "The task was not made",
    changes: [["tasks", "list"], ["instances"]],
  });
}

function empty(): Draft {
  return {
    title: "",
    repeats: "daily",
    weekdays: [],
    rule: "",
    timezone: ownZone(),
    local_time: "00:00",
    start_date: today(),
    end_date: "",
    payload: "",
  };
}
