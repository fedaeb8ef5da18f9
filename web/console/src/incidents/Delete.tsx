import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useLocation, useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { changeItems } from "../api/list";
import type { IncidentDetail, IncidentSummary } from "../api/schema";
import { Confirm } from "../ui/Confirm";

/** Deletes an incident, once it was asked for twice, and goes back to the list. */
export function Delete({ incident }: { incident: IncidentDetail }) {
  const [asking, { open, close }] = useDisclosure();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { incident_id, count } = incident;
  const { run, running } = useAction({
    run: (id: string) => answer(api.DELETE("/incidents/{incident_id}", { params: { path: { incident_id: id } } })),
    done: () => {
      client.removeQueries({ queryKey: ["incidents", "detail", incident_id] });
      void navigate({ pathname: "/incidents", search });
      return "The incident is deleted.";
    },
    refused: "The incident was not deleted",
    changes: [
      ["incidents", "list"],
      ["incidents", "count"],
    ],
    meanwhile: (id) =>
      changeItems<IncidentSummary>(client, ["incidents", "list"], (item) => (item.incident_id === id ? null : item)),
  });
  return (
    <>
      <Tooltip label="Delete">
        <ActionIcon size={30} variant="default" aria-label="Delete incident" onClick={open}>
          <Trash2 size={15} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this incident?"
        act="Delete incident"
        onConfirm={() => run(incident_id)}
        running={running}
      >
        Its count of {count.toLocaleString("en")} and the reports kept of it go with it; that cannot be undone. If it
        fails again, it begins anew at one. To keep its history, mark it as fixed instead.
      </Confirm>
    </>
  );
}
