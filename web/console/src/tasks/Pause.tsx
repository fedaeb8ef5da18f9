import { ActionIcon, Tooltip } from "@mantine/core";
import { Pause as Bars, Play } from "lucide-react";
import type { TaskView } from "../api/schema";
import { useTaskChange } from "./change";

/** Pauses a task, or has a paused one go on; nothing for one that is over. */
export function Pause({ task, size = 28 }: { task: TaskView; size?: number }) {
  const { run, running } = useTaskChange(task);
  const { title, paused, next_date } = task;
  if (!paused && !next_date) return null;
  const act = paused ? "Resume" : "Pause";
  return (
    <Tooltip label={act}>
      <ActionIcon
        size={size}
        variant="default"
        aria-label={`${act} ${title}`}
        disabled={running}
        onClick={() => run({ paused: !paused })}
      >
        {paused ? <Play size={15} /> : <Bars size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}
