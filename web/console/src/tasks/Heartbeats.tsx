import { CircleAlert, CircleCheck, HeartPulse, LoaderCircle, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { HeartbeatView } from "../api/schema";
import { useProject } from "../shell/project";
import { Ago } from "../ui/Ago";
import { type Column, Items } from "../ui/Items";
import { Mark, type Tone } from "../ui/Mark";
import { Note } from "../ui/Note";
import { span } from "../ui/time";

type State = HeartbeatView["status"] | "overdue";

const STATES: Record<State, { tone: Tone; icon: ReactNode; word: string }> = {
  ok: { tone: "green", icon: <CircleCheck size={14} />, word: "Well" },
  in_progress: { tone: "blue", icon: <LoaderCircle size={14} />, word: "Running" },
  error: { tone: "red", icon: <CircleAlert size={14} />, word: "Failed" },
  overdue: { tone: "orange", icon: <TriangleAlert size={14} />, word: "Overdue" },
};

const COLUMNS: readonly Column<HeartbeatView>[] = [
  {
    header: "Monitor",
    cell: ({ monitor, environment }) => (
      <>
        <div className="mono truncate">{monitor}</div>
        <div className="dim truncate">{environment}</div>
      </>
    ),
  },
  { header: "State", width: "120px", cell: (beat) => <StateMark beat={beat} /> },
  {
    header: "Schedule",
    width: "220px",
    from: "md",
    cell: ({ schedule, timezone }) => (
      <>
        <div className="mono truncate">{schedule ?? "–"}</div>
        <div className="dim truncate">{schedule && timezone}</div>
      </>
    ),
  },
  {
    header: "Took",
    width: "90px",
    align: "end",
    from: "sm",
    cell: ({ duration_seconds }) => (duration_seconds === null ? "–" : span(duration_seconds * 1000)),
  },
  { header: "Failed", width: "84px", align: "end", from: "sm", cell: ({ last_error }) => <Ago time={last_error} /> },
  { header: "Heard", width: "84px", align: "end", cell: ({ last_check_in }) => <Ago time={last_check_in} /> },
];

/** The tasks that run elsewhere, and what they said last. */
export function Heartbeats() {
  const [project_id] = useProject();
  const list = useList<HeartbeatView>({
    key: ["heartbeats", project_id],
    page: (cursor, signal) =>
      answer(api.GET("/heartbeats", { params: { query: { project_id, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 15,
  });
  return (
    <Items
      list={list}
      columns={COLUMNS}
      id={idOf}
      what="heartbeats"
      empty={
        <Note title="Nothing runs elsewhere yet" icon={<HeartPulse size={24} color="var(--dim)" aria-hidden />}>
          Cron jobs that check in appear here, and whether they are late: turn on the cron monitors of any Sentry SDK
          with this project's DSN.
        </Note>
      }
    />
  );
}

function StateMark({ beat: { status, overdue } }: { beat: HeartbeatView }) {
  const { tone, icon, word } = STATES[overdue ? "overdue" : status];
  return (
    <Mark tone={tone} icon={icon}>
      {word}
    </Mark>
  );
}

function idOf({ monitor, environment }: HeartbeatView): string {
  return `${monitor} ${environment}`;
}
