import { Checkbox, Group, Select, SimpleGrid, TextInput } from "@mantine/core";
import { useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { answer, api } from "../api/client";
import { useMaking } from "../api/making";
import type { NewTask as Body } from "../api/schema";
import { ownZone, today } from "../ui/days";
import { Form } from "../ui/Form";
import { JsonField } from "../ui/JsonField";
import { New } from "../ui/New";
import { ZoneSelect } from "../ui/ZoneSelect";
import { bodyOf, type Draft, REPEATS, recurrenceOf, WEEKDAYS } from "./draft";
import { inWords } from "./recurrence";

/** Makes a task, and goes to it. */
export function NewTask() {
  return <New what="task">{(close) => <Fields onCancel={close} />}</New>;
}

function Fields({ onCancel }: { onCancel: () => void }) {
  const [draft, setDraft] = useState(empty);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const { make, making, faults } = useMake();
  const body = bodyOf(draft);
  const recurrence = recurrenceOf(draft);
  return (
    <Form act="Make task" onSubmit={() => body && make(body)} onCancel={onCancel} saving={making} ready={body !== null}>
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
    </Form>
  );
}

function useMake() {
  const navigate = useNavigate();
  const { search } = useLocation();
  return useMaking({
    what: "task",
    send: (body: Body, header) => answer(api.POST("/tasks", { params: { header }, body })),
    done: ({ task_id, title }) => {
      void navigate({ pathname: `/tasks/${task_id}`, search });
      return `${title} is made.`;
    },
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
