import { useLocation, useNavigate } from "react-router";
import { answer, api } from "../api/client";
import { useMaking } from "../api/making";
import type { NewRule as Body } from "../api/schema";
import { New } from "../ui/New";
import { emptyDraft } from "./draft";
import { RuleForm } from "./RuleForm";

/** Makes a rule, and goes to it. */
export function NewRule() {
  return <New what="rule">{(close) => <Filled onCancel={close} />}</New>;
}

function Filled({ onCancel }: { onCancel: () => void }) {
  const navigate = useNavigate();
  const { search } = useLocation();
  const { make, making, faults } = useMaking({
    what: "rule",
    send: (body: Body, header) => answer(api.POST("/alerts/rules", { params: { header }, body })),
    done: ({ rule_id, name }) => {
      void navigate({ pathname: `/alerts/${rule_id}`, search });
      return `${name} is made. Test it to see whether its channels work.`;
    },
    changes: [["rules", "list"]],
  });
  return (
    <RuleForm first={emptyDraft} act="Make rule" onSave={make} onCancel={onCancel} saving={making} faults={faults} />
  );
}
