import { ActionIcon, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Circle, CircleCheckBig } from "lucide-react";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { changeItems } from "../api/list";
import type { InstanceView } from "../api/schema";

/** Marks an instance as done, or as not done. */
export function Done({ instance: { instance_id, title, date, done } }: { instance: InstanceView }) {
  const client = useQueryClient();
  const { run } = useAction({
    run: (body: { done: boolean }) =>
      answer(api.PATCH("/instances/{instance_id}", { params: { path: { instance_id } }, body })),
    refused: `${title} of ${date} was not marked`,
    changes: [["instances"]],
    meanwhile: (change) =>
      changeItems<InstanceView>(client, ["instances"], (each) =>
        each.instance_id === instance_id ? { ...each, ...change } : each,
      ),
  });
  return (
    <Tooltip label={done ? "Mark as not done" : "Mark as done"}>
      <ActionIcon
        role="checkbox"
        aria-checked={done}
        aria-label={`${title}, ${date}: done`}
        size={28}
        color={done ? "green" : "gray"}
        onClick={() => run({ done: !done })}
      >
        {done ? <CircleCheckBig size={17} color="var(--tone-green)" /> : <Circle size={17} />}
      </ActionIcon>
    </Tooltip>
  );
}
