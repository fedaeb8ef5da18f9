import { Group } from "@mantine/core";
import { CalendarDays } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { ScheduleView } from "../api/schema";
import { Ago } from "../ui/Ago";
import { Headline } from "../ui/Headline";
import { type Column, Items } from "../ui/Items";
import { Live } from "../ui/Live";
import { Note } from "../ui/Note";
import { Page } from "../ui/Page";
import { NewSchedule } from "./NewSchedule";
import { rangeInWords } from "./times";

const COLUMNS: readonly Column<ScheduleView>[] = [
  {
    header: "Schedule",
    cell: ({ title, starts_at, ends_at, timezone }) => (
      <Headline title={title} under={rangeInWords(starts_at, ends_at, timezone)} />
    ),
  },
  {
    header: "Time zone",
    width: "180px",
    from: "sm",
    cell: ({ timezone }) => <div className="truncate">{timezone}</div>,
  },
  { header: "Made", width: "84px", align: "end", from: "sm", cell: ({ created_at }) => <Ago time={created_at} /> },
];

/** The schedules, the latest first. */
export default function SchedulesPage() {
  const list = useList<ScheduleView>({
    key: ["schedules", "list"],
    page: (cursor, signal) =>
      answer(api.GET("/schedules", { params: { query: { ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 15,
  });
  return (
    <Page
      title="Schedules"
      aside={
        <Group gap="xs" wrap="nowrap">
          <Live query={list} />
          <NewSchedule />
        </Group>
      }
    >
      <Items
        list={list}
        columns={COLUMNS}
        id={idOf}
        to={pathOf}
        what="schedules"
        empty={
          <Note title="Nothing is planned" icon={<CalendarDays size={24} color="var(--dim)" aria-hidden />}>
            Make a schedule, such as a lesson, and call its roll here.
          </Note>
        }
      />
    </Page>
  );
}

function idOf(schedule: ScheduleView): string {
  return schedule.schedule_id;
}

function pathOf(schedule: ScheduleView): string {
  return `/schedules/${schedule.schedule_id}`;
}
