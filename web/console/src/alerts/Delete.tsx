import { answer, api } from "../api/client";
import type { RuleView } from "../api/schema";
import { DeleteButton } from "../ui/DeleteButton";
import { isDefault } from "./words";

/** Deletes a rule. */
export function Delete({ rule }: { rule: RuleView }) {
  const { rule_id, name } = rule;
  return (
    <DeleteButton
      what="rule"
      name={name}
      area="rules"
      id={rule_id}
      remove={() => answer(api.DELETE("/alerts/rules/{rule_id}", { params: { path: { rule_id } } }))}
      list="/alerts/rules"
    >
      {isDefault(rule)
        ? "Of what it is about nobody is told any more, unless another rule does. It can be restored from the list."
        : "Its channels go with it, and what is secret of them cannot be shown again; that cannot be undone. What it is about falls to the other rules. To keep it for later, turn it off instead."}
    </DeleteButton>
  );
}
