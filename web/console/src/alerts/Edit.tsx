import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Pencil } from "lucide-react";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { useFaults } from "../api/faults";
import type { NewRule, RuleView } from "../api/schema";
import { draftOf } from "./draft";
import { RuleForm } from "./RuleForm";

/** Changes a rule; its channels stay as they are unless they are entered anew. */
export function Edit({ rule }: { rule: RuleView }) {
  const [shown, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" leftSection={<Pencil size={14} aria-hidden />} onClick={open}>
        Edit
      </Button>
      <Modal opened={shown} onClose={close} title={`Edit ${rule.name}`} size="lg">
        <Form rule={rule} onClose={close} />
      </Modal>
    </>
  );
}

function Form({ rule, onClose }: { rule: RuleView; onClose: () => void }) {
  const client = useQueryClient();
  const [faults, watch] = useFaults();
  const { rule_id } = rule;
  const { run, running } = useAction({
    run: (body: NewRule) =>
      watch(answer(api.PATCH("/alerts/rules/{rule_id}", { params: { path: { rule_id } }, body }))),
    done: (changed) => {
      client.setQueryData(["rules", "detail", rule_id], changed);
      // Only now: what was typed is not lost where it is refused.
      onClose();
      return `${changed.name} is changed; it counts within seconds.`;
    },
    refused: "The rule was not changed",
    changes: [["rules"]],
  });
  return (
    <RuleForm
      first={() => draftOf(rule)}
      stored={rule.channels}
      act="Save"
      onSave={run}
      onCancel={onClose}
      saving={running}
      faults={faults}
    />
  );
}
