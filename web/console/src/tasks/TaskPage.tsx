import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import { every } from "../api/polling";
import type { InstanceView, SkippedDates, TaskDetail } from "../api/schema";
import { Ago } from "../ui/Ago";
import { Detail } from "../ui/Detail";
import { shortDay } from "../ui/days";
import { Facts, Section } from "../ui/Facts";
import { useFilters } from "../ui/filters";
import { type Column, Items } from "../ui/Items";
import { JsonTree } from "../ui/JsonTree";
import { Live } from "../ui/Live";
import { Note } from "../ui/Note";
import { Page } from "../ui/Page";
import { Delete } from "./Delete";
import { Done } from "./Done";
import { End } from "./End";
import { Pause } from "./Pause";
import { Purge } from "./Purge";
import { inWords } from "./recurrence";
import { TaskMark } from "./status";
import classes from "./TaskPage.module.css";
import { Undo } from "./Undo";

const SHAPE = { purged: "text" } as const;
const UP = { to: "/tasks", label: "Tasks" };

const WHY: Record<SkippedDates["reason"], string> = {
  missed: "missed: the scheduler did not run in time",
  nonexistent: "clocks skipped this date in the task's time zone",
  paused: "the task was paused",
  ended: "the task had ended",
  before_creation: "before the task was made",
};

const COLUMNS: readonly Column<InstanceView>[] = [
  { header: "Date", cell: ({ date }) => <time dateTime={date}>{shortDay(date)}</time> },
  { header: "Made", width: "90px", align: "end", from: "sm", cell: ({ created_at }) => <Ago time={created_at} /> },
  {
    header: "Done since",
    width: "100px",
    align: "end",
    cell: ({ done, done_at }) => <Ago time={done ? done_at : null} />,
  },
  { header: "Done", width: "68px", align: "end", cell: (instance) => <Done instance={instance} /> },
];

/** One task: when it recurs, its instances, and the dates that have none. */
export default function TaskPage() {
  const { id: task_id = "" } = useParams();
  const [{ purged }, change] = useFilters(SHAPE);
  const query = useQuery({
    queryKey: ["tasks", "detail", task_id],
    queryFn: ({ signal }) => answer(api.GET("/tasks/{task_id}", { params: { path: { task_id } }, signal })),
    refetchInterval: every(10),
  });
  return (
    <Detail query={query} what="task" up={UP} gone="It may have been deleted.">
      {(task) => (
        <Page title={task.title} up={UP} aside={<Live query={query} />}>
          <Group gap="xs" mb="md">
            <TaskMark task={task} />
            <Text fz="sm" c="dimmed" span>
              {inWords(task.recurrence, task.start_date)}
            </Text>
            <Group gap="xs" ml="auto">
              {task.recurrence !== "none" && (
                <>
                  <Pause task={task} size={30} />
                  <End task={task} />
                  <Purge task_id={task_id} onPurged={(purge_ids) => change({ purged: purge_ids.join(",") })} />
                </>
              )}
              <Delete task={task} />
            </Group>
          </Group>
          {purged && <Undo purge_ids={purged.split(",")} onClose={() => change({ purged: undefined })} />}
          <div className={classes.columns}>
            <Section title="Instances">
              <Instances task_id={task_id} />
            </Section>
            <Sidebar task={task} />
          </div>
        </Page>
      )}
    </Detail>
  );
}

function Instances({ task_id }: { task_id: string }) {
  const list = useList<InstanceView>({
    key: ["instances", "task", task_id],
    page: (cursor, signal) =>
      answer(
        api.GET("/tasks/{task_id}/instances", {
          params: { path: { task_id }, query: { ...(cursor && { cursor }) } },
          signal,
        }),
      ),
    id: ({ instance_id }) => instance_id,
    seconds: 10,
  });
  return (
    <Items
      list={list}
      columns={COLUMNS}
      id={({ instance_id }) => instance_id}
      what="instances"
      empty={<Note title="No instance is left">The next one is made on its day.</Note>}
    />
  );
}

function Sidebar({ task }: { task: TaskDetail }) {
  const { next_date, local_time, timezone, recurrence, payload, skipped } = task;
  return (
    <aside aria-label="Facts">
      <Section title="When">
        <Facts
          facts={[
            ["Next", task.paused ? "None while it is paused" : next_date ? shortDay(next_date) : "None"],
            ["Due at", local_time],
            ["Time zone", timezone],
            ["First date", shortDay(task.start_date)],
            ["Last date", task.end_date && shortDay(task.end_date)],
            [
              "Rule",
              recurrence.includes("=") ? (
                <span key="rule" className="mono">
                  {recurrence}
                </span>
              ) : null,
            ],
            ["Made", <Ago key="made" time={task.created_at} />],
          ]}
        />
      </Section>
      {skipped.length > 0 && (
        <Section title="Dates without an instance">
          <ul className={classes.skipped}>
            {skipped.map((gap) => (
              <li key={gap.first_date}>
                {days(gap)} <span className="dim">{WHY[gap.reason]}</span>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {Object.keys(payload).length > 0 && (
        <Section title="Payload">
          <JsonTree value={payload} />
        </Section>
      )}
    </aside>
  );
}

function days({ first_date, last_date }: SkippedDates): string {
  return first_date === last_date ? shortDay(first_date) : `${shortDay(first_date)} to ${shortDay(last_date)}`;
}
