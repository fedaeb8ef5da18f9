import { useQueryClient } from "@tanstack/react-query";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { TaskChange, TaskView } from "../api/schema";
import { changeThing } from "../api/thing";

/** Changes a task: shown at once, and taken back where the API refuses. */
export function useTaskChange({ task_id, title }: TaskView) {
  const client = useQueryClient();
  return useAction({
    run: (body: TaskChange) => answer(api.PATCH("/tasks/{task_id}", { params: { path: { task_id } }, body })),
    refused: `${title} was not changed`,
    changes: [["tasks"]],
    meanwhile: (change) =>
      changeThing<TaskView>(
        client,
        "tasks",
        task_id,
        (task) => task.task_id,
        (task) => ({ ...task, ...change }),
      ),
  });
}
