import { ActionIcon, Button, Group, Text, TextInput } from "@mantine/core";
import { CalendarCheck, ChevronLeft, ChevronRight } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { InstanceView } from "../api/schema";
import { Ago } from "../ui/Ago";
import { isDay, longDay, shift, today } from "../ui/days";
import { type Column, Items } from "../ui/Items";
import { Note } from "../ui/Note";
import { Done } from "./Done";

const COLUMNS: readonly Column<InstanceView>[] = [
  { header: "Instance", cell: ({ title }) => <span className="truncate">{title}</span> },
  { header: "Made", width: "90px", align: "end", from: "sm", cell: ({ created_at }) => <Ago time={created_at} /> },
  {
    header: "Done since",
    width: "100px",
    align: "end",
    from: "sm",
    cell: ({ done, done_at }) => <Ago time={done ? done_at : null} />,
  },
  { header: "Done", width: "68px", align: "end", cell: (instance) => <Done instance={instance} /> },
];

interface Props {
  /** The date to show, as the URL has it; today where it is none. */
  date: string | undefined;
  onChange: (date: string | undefined) => void;
}

/** What is to be done on a date, and what of it is done. */
export function Day({ date: asked, onChange }: Props) {
  const present = today();
  const date = asked && isDay(asked) ? asked : present;
  const go = (day: string) => onChange(day === present ? undefined : day);
  const list = useList<InstanceView>({
    key: ["instances", "day", date],
    page: (cursor, signal) =>
      answer(api.GET("/instances", { params: { query: { date, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 10,
  });
  return (
    <>
      <Group gap="xs" mb="sm">
        <ActionIcon.Group>
          <ActionIcon size={30} variant="default" aria-label="The day before" onClick={() => go(shift(date, -1))}>
            <ChevronLeft size={15} />
          </ActionIcon>
          <ActionIcon size={30} variant="default" aria-label="The day after" onClick={() => go(shift(date, 1))}>
            <ChevronRight size={15} />
          </ActionIcon>
        </ActionIcon.Group>
        <TextInput
          size="xs"
          type="date"
          aria-label="Date"
          value={date}
          onChange={({ currentTarget: { value } }) => isDay(value) && go(value)}
        />
        <Button variant="default" disabled={date === present} onClick={() => go(present)}>
          Today
        </Button>
        <Text fz="sm" c="dimmed" span>
          {longDay(date)}
        </Text>
      </Group>
      <Items
        list={list}
        columns={COLUMNS}
        id={idOf}
        to={pathOf}
        what="instances"
        empty={
          <Note title="Nothing on this date" icon={<CalendarCheck size={24} color="var(--dim)" aria-hidden />}>
            {date > present
              ? "Instances are made on their day, by the scheduler: there are none of the future to look at."
              : "No task had an instance on it. Choose another date."}
          </Note>
        }
      />
    </>
  );
}

function idOf(instance: InstanceView): string {
  return instance.instance_id;
}

function pathOf(instance: InstanceView): string {
  return `/tasks/${instance.task_id}`;
}
