import { Button, Group } from "@mantine/core";
import { BellPlus, RotateCcw } from "lucide-react";
import type { RuleView } from "../api/schema";
import { Callout } from "../ui/Callout";
import { Headline } from "../ui/Headline";
import { type Column, Items } from "../ui/Items";
import { Live } from "../ui/Live";
import { Tag } from "../ui/Mark";
import { Note } from "../ui/Note";
import { Page } from "../ui/Page";
import { useSwitch } from "./change";
import { Enabled } from "./Enabled";
import { NewRule } from "./NewRule";
import { useRules } from "./reading";
import { channelsOf, conditionOf, DEFAULTS, isDefault, whenOf } from "./words";

const COLUMNS: readonly Column<RuleView>[] = [
  { header: "Rule", cell: (rule) => <About rule={rule} /> },
  {
    header: "Tells",
    width: "30%",
    from: "sm",
    cell: (rule) => (
      <>
        <div className="truncate">{channelsOf(rule)}</div>
        <div className="under truncate">{whenOf(rule)}</div>
      </>
    ),
  },
  { header: "On", width: "68px", align: "end", cell: (rule) => <Enabled rule={rule} /> },
];

/** The rules by which somebody is told of what goes wrong: those that are always there, then the others. */
export default function RulesPage() {
  const query = useRules();
  const { data: rules, isPending, error, refetch } = query;
  const gone = rules ? Object.entries(DEFAULTS).filter(([id]) => !rules.some(({ rule_id }) => rule_id === id)) : [];
  return (
    <Page
      title="Alert rules"
      up={{ to: "/alerts", label: "Alerts" }}
      aside={
        <Group gap="xs" wrap="nowrap">
          <Live query={query} />
          <NewRule />
        </Group>
      }
    >
      {gone.map(([rule_id, name]) => (
        <Deleted key={rule_id} rule={{ rule_id, name }} />
      ))}
      <Items
        list={{ data: rules, isPending, error, refetch }}
        columns={COLUMNS}
        id={idOf}
        to={pathOf}
        what="rules"
        empty={
          <Note title="Nobody is told of anything" icon={<BellPlus size={24} color="var(--dim)" aria-hidden />}>
            Make a rule, or restore those that were always there.
          </Note>
        }
      />
    </Page>
  );
}

function About({ rule }: { rule: RuleView }) {
  return (
    <Headline
      title={rule.name}
      beside={
        <>
          {isDefault(rule) && (
            <Tag tone="blue" title="It is always there, and applies to what no rule that was made here is about">
              Default
            </Tag>
          )}
          {!rule.enabled && <Tag tone="yellow">Off</Tag>}
        </>
      }
      under={conditionOf(rule)}
    />
  );
}

function Deleted({ rule }: { rule: Pick<RuleView, "rule_id" | "name"> }) {
  const { run, running } = useSwitch(rule);
  return (
    <Callout
      tone="orange"
      Icon={RotateCcw}
      actions={
        <Button variant="default" loading={running} onClick={() => run({ enabled: true })}>
          Restore
        </Button>
      }
    >
      The default rule <strong>{rule.name}</strong> was deleted.
    </Callout>
  );
}

function idOf(rule: RuleView): string {
  return rule.rule_id;
}

function pathOf(rule: RuleView): string {
  return `/alerts/${rule.rule_id}`;
}
