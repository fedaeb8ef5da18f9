import { answer, api } from "../api/client";
import type { TaskView } from "../api/schema";
import { DeleteButton } from "../ui/DeleteButton";

/** Deletes a task, with its instances that are not done. */
export function Delete({ task: { task_id, title } }: { task: TaskView }) {
  return (
    <DeleteButton
      what="task"
      name={title}
      area="tasks"
      id={task_id}
      is={(task: TaskView) => task.task_id === task_id}
      remove={() => answer(api.DELETE("/tasks/{task_id}", { params: { path: { task_id } } }))}
      changes={[["instances"]]}
      list="/tasks"
    >
      Its instances that are not done go with it, and it cannot be undone. Those that are done stay, as what was done.
      To keep it for later, pause it instead.
    </DeleteButton>
  );
}
