import { Group, SegmentedControl } from "@mantine/core";
import { ListTodo } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { TaskView } from "../api/schema";
import { shortDay } from "../ui/days";
import { useFilters } from "../ui/filters";
import { Headline } from "../ui/Headline";
import { type Column, Items } from "../ui/Items";
import { Note } from "../ui/Note";
import { Page, Toolbar } from "../ui/Page";
import { Day } from "./Day";
import { Heartbeats } from "./Heartbeats";
import { NewTask } from "./NewTask";
import { Pause } from "./Pause";
import { Purge } from "./Purge";
import { inWords } from "./recurrence";
import { Scheduler } from "./Scheduler";
import { TaskMark } from "./status";
import { Undo } from "./Undo";

const VIEWS = ["day", "heartbeats"] as const;
const SHAPE = { view: VIEWS, date: "text", purged: "text" } as const;

const COLUMNS: readonly Column<TaskView>[] = [
  {
    header: "Task",
    cell: ({ title, recurrence, start_date }) => <Headline title={title} under={inWords(recurrence, start_date)} />,
  },
  {
    header: "Next",
    width: "210px",
    from: "sm",
    cell: ({ next_date, paused, local_time, timezone }) =>
      next_date && !paused ? (
        <>
          <span className="number">{`${shortDay(next_date)}, ${local_time}`}</span>
          <span className="under truncate">{timezone}</span>
        </>
      ) : (
        "–"
      ),
  },
  { header: "State", width: "104px", cell: (task) => <TaskMark task={task} /> },
  { header: "Pause", width: "68px", align: "end", cell: (task) => <Pause task={task} /> },
];

/** What recurs: the tasks, their instances by date, and the tasks that run elsewhere. */
export default function TasksPage() {
  const [{ view, date, purged }, change] = useFilters(SHAPE);
  return (
    <Page
      title="Tasks"
      aside={
        <Group gap="xs" wrap="nowrap">
          <Purge onPurged={(purge_ids) => change({ purged: purge_ids.join(",") })} />
          <NewTask />
        </Group>
      }
    >
      <Toolbar>
        <SegmentedControl
          aria-label="View"
          value={view ?? ""}
          onChange={(chosen) => change({ view: VIEWS.find((each) => each === chosen), date: undefined })}
          data={[
            { value: "", label: "All tasks" },
            { value: "day", label: "By day" },
            { value: "heartbeats", label: "Heartbeats" },
          ]}
        />
        <Scheduler />
      </Toolbar>
      {purged && <Undo purge_ids={purged.split(",")} onClose={() => change({ purged: undefined })} />}
      {view === undefined && <AllTasks />}
      {view === "day" && <Day date={date} onChange={(day) => change({ date: day })} />}
      {view === "heartbeats" && <Heartbeats />}
    </Page>
  );
}

function AllTasks() {
  const list = useList<TaskView>({
    key: ["tasks", "list"],
    page: (cursor, signal) => answer(api.GET("/tasks", { params: { query: { ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 10,
  });
  return (
    <Items
      list={list}
      columns={COLUMNS}
      id={idOf}
      to={pathOf}
      what="tasks"
      empty={
        <Note title="No task yet" icon={<ListTodo size={24} color="var(--dim)" aria-hidden />}>
          Make one, and the scheduler makes an instance of it on each of its days, for people to do and mark as done.
        </Note>
      }
    />
  );
}

function idOf(task: TaskView): string {
  return task.task_id;
}

function pathOf(task: TaskView): string {
  return `/tasks/${task.task_id}`;
}
