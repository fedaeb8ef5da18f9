import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useLocation, useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { RuleView } from "../api/schema";
import { Confirm } from "../ui/Confirm";
import { isDefault } from "./words";

/** Deletes a rule, once it was asked for twice, and goes back to the list. */
export function Delete({ rule }: { rule: RuleView }) {
  const [asking, { open, close }] = useDisclosure();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { rule_id, name } = rule;
  const { run, running } = useAction({
    run: (id: string) => answer(api.DELETE("/alerts/rules/{rule_id}", { params: { path: { rule_id: id } } })),
    done: () => {
      client.removeQueries({ queryKey: ["rules", "detail", rule_id] });
      void navigate({ pathname: "/alerts/rules", search });
      return "The rule is deleted.";
    },
    refused: `${name} was not deleted`,
    changes: [["rules", "list"]],
  });
  return (
    <>
      <Tooltip label="Delete">
        <ActionIcon size={30} variant="default" aria-label={`Delete ${name}`} onClick={open}>
          <Trash2 size={15} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this rule?"
        act="Delete rule"
        onConfirm={() => run(rule_id)}
        running={running}
      >
        {isDefault(rule)
          ? "Of what it is about nobody is told any more, unless another rule does. It can be restored from the list."
          : "Its channels go with it, and what is secret of them cannot be shown again; that cannot be undone. What it is about falls to the other rules. To keep it for later, turn it off instead."}
      </Confirm>
    </>
  );
}
