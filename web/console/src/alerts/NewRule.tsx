import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Plus } from "lucide-react";
import { useLocation, useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import { useFaults } from "../api/faults";
import { useIdempotencyKey } from "../api/idempotency";
import type { NewRule as Body } from "../api/schema";
import { emptyDraft } from "./draft";
import { RuleForm } from "./RuleForm";

/** Makes a rule, and goes to it. */
export function NewRule() {
  const [shown, { open, close }] = useDisclosure();
  return (
    <>
      <Button leftSection={<Plus size={14} aria-hidden />} onClick={open}>
        New rule
      </Button>
      <Modal opened={shown} onClose={close} title="New rule" size="lg">
        <Form onCancel={close} />
      </Modal>
    </>
  );
}

function Form({ onCancel }: { onCancel: () => void }) {
  const navigate = useNavigate();
  const { search } = useLocation();
  const keyOf = useIdempotencyKey();
  const [faults, watch] = useFaults();
  const { run, running } = useAction({
    run: (body: Body) =>
      watch(answer(api.POST("/alerts/rules", { params: { header: { "Idempotency-Key": keyOf(body) } }, body }))),
    done: ({ rule_id, name }) => {
      void navigate({ pathname: `/alerts/${rule_id}`, search });
      return `${name} is made. Test it to see whether its channels work.`;
    },
    refused: "The rule was not made",
    changes: [["rules", "list"]],
  });
  return (
    <RuleForm first={emptyDraft} act="Make rule" onSave={run} onCancel={onCancel} saving={running} faults={faults} />
  );
}
