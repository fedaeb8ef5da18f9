import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { TaskView } from "../api/schema";
import { Confirm } from "../ui/Confirm";

/** Deletes a task, once it was asked for twice, and goes back to the list. */
export function Delete({ task: { task_id, title } }: { task: TaskView }) {
  const [asking, { open, close }] = useDisclosure();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { run, running } = useAction({
    run: (id: string) => answer(api.DELETE("/tasks/{task_id}", { params: { path: { task_id: id } } })),
    done: () => {
      client.removeQueries({ queryKey: ["tasks", "detail", task_id] });
      void navigate("/tasks");
      return `${title} is deleted.`;
    },
    refused: `${title} was not deleted`,
    changes: [["tasks", "list"], ["instances"]],
  });
  return (
    <>
      <Tooltip label="Delete">
        <ActionIcon size={30} variant="default" aria-label={`Delete ${title}`} onClick={open}>
          <Trash2 size={15} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this task?"
        act="Delete task"
        onConfirm={() => run(task_id)}
        running={running}
      >
        Its instances that are not done go with it, and it cannot be undone. Those that are done stay, as what was done.
        To keep it for later, pause it instead.
      </Confirm>
    </>
  );
}
