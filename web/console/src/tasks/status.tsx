import { CircleCheck, CirclePause, CirclePlay } from "lucide-react";
import type { TaskView } from "../api/schema";
import { Mark } from "../ui/Mark";

/** Whether more instances of a task will be made. */
export function TaskMark({ task: { paused, next_date } }: { task: TaskView }) {
  if (paused) {
    return (
      <Mark tone="yellow" icon={<CirclePause size={14} />}>
        Paused
      </Mark>
    );
  }
  if (next_date) {
    return (
      <Mark tone="green" icon={<CirclePlay size={14} />}>
        Active
      </Mark>
    );
  }
  return (
    <Mark tone="gray" icon={<CircleCheck size={14} />}>
      Over
    </Mark>
  );
}
