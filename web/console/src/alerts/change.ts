import { useQueryClient } from "@tanstack/react-query";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { RuleChange, RuleView } from "../api/schema";

/** Turns a rule on or off: shown at once, and taken back where the API refuses. One that was deleted is there again. */
export function useSwitch({ rule_id, name }: Pick<RuleView, "rule_id" | "name">) {
  const client = useQueryClient();
  return useAction({
    run: (body: Pick<RuleChange, "enabled">) =>
      answer(api.PATCH("/alerts/rules/{rule_id}", { params: { path: { rule_id } }, body })),
    refused: `${name} was not changed`,
    changes: [["rules"]],
    meanwhile: (change) => {
      void client.cancelQueries({ queryKey: ["rules"] });
      const before = client.getQueriesData<RuleView | RuleView[]>({ queryKey: ["rules"] });
      const changed = (rule: RuleView) => (rule.rule_id === rule_id ? { ...rule, ...change } : rule);
      for (const [key, found] of before) {
        if (found) client.setQueryData(key, Array.isArray(found) ? found.map(changed) : changed(found));
      }
      return () => {
        for (const [key, found] of before) client.setQueryData(key, found);
      };
    },
  });
}
