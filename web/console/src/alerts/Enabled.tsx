import { ActionIcon, Tooltip } from "@mantine/core";
import { Bell, BellOff } from "lucide-react";
import type { RuleView } from "../api/schema";
import { useSwitch } from "./change";

/** Turns a rule off, or on again. */
export function Enabled({ rule, size = 28 }: { rule: RuleView; size?: number }) {
  const { run, running } = useSwitch(rule);
  const act = rule.enabled ? "Turn off" : "Turn on";
  return (
    <Tooltip label={act}>
      <ActionIcon
        size={size}
        variant="default"
        aria-label={`${act} ${rule.name}`}
        disabled={running}
        onClick={() => run({ enabled: !rule.enabled })}
      >
        {rule.enabled ? <Bell size={15} /> : <BellOff size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}
