import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useLocation, useParams } from "react-router";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import type { RuleView } from "../api/schema";
import { Ago } from "../ui/Ago";
import { Detail } from "../ui/Detail";
import { Facts, Section } from "../ui/Facts";
import { written } from "../ui/filters";
import { Tag } from "../ui/Mark";
import { Page } from "../ui/Page";
import { Delete } from "./Delete";
import { Edit } from "./Edit";
import { Enabled } from "./Enabled";
import { happeningWord } from "./kinds";
import classes from "./RulePage.module.css";
import { Test } from "./Test";
import { channelsOf, channelWord, conditionOf, isDefault, minutes, whenOf } from "./words";

const UP = { to: "/alerts/rules", label: "Rules" };

/** One rule: what it is about, who is told when, and whether that works. Alerts have no pages of their own. */
export default function RulePage() {
  const { id: rule_id = "" } = useParams();
  const query = useQuery({
    queryKey: ["rules", "detail", rule_id],
    queryFn: ({ signal }) => answer(api.GET("/alerts/rules/{rule_id}", { params: { path: { rule_id } }, signal })),
    refetchInterval: every(20),
  });
  return (
    <Detail
      query={query}
      what="rule"
      up={UP}
      gone="It may have been deleted; a default one can be restored in the list."
    >
      {(rule) => (
        <Page title={rule.name} up={UP}>
          <Group gap="xs" mb="md">
            {isDefault(rule) && <Tag tone="blue">Default</Tag>}
            {!rule.enabled && <Tag tone="yellow">Off</Tag>}
            <Text fz="sm" c="dimmed" span>
              {conditionOf(rule)}
            </Text>
            <Group gap="xs" ml="auto">
              <Test rule={rule} />
              <Edit rule={rule} />
              <Enabled rule={rule} size={30} />
              <Delete rule={rule} />
            </Group>
          </Group>
          <div className={classes.columns}>
            <About rule={rule} />
            <Told rule={rule} />
          </div>
        </Page>
      )}
    </Detail>
  );
}

function About({ rule }: { rule: RuleView }) {
  const { on, match, threshold, window_minutes } = rule;
  const over = minutes(window_minutes);
  const often = {
    error_rate: `${threshold}% of requests or more fail over ${over}`,
    latency: `p95 is ${threshold.toLocaleString("en")} ms or more over ${over}`,
  }[on[0] as "error_rate" | "latency"];
  return (
    <Section title="What it is about">
      <Facts
        facts={[
          ["Tells of", on.map(happeningWord).join(", ")],
          ["When", often ?? (threshold > 1 ? `${threshold.toLocaleString("en")} times in ${over}` : "Every time")],
          ["Key", match.key && <span className="mono">{match.key}</span>],
          ["Severity", match.severity?.toLowerCase()],
          ["Environment", match.environment],
          ["Project", match.project_id],
          ["Changed", rule.updated_at && <Ago time={rule.updated_at} />],
          ["Made", rule.created_at && <Ago time={rule.created_at} />],
        ]}
      />
      {isDefault(rule) && <p className={classes.note}>It applies to what no rule that was made here is about.</p>}
    </Section>
  );
}

function Told({ rule }: { rule: RuleView }) {
  const { search } = useLocation();
  const history = written(new URLSearchParams(search), { rule_id: rule.rule_id });
  return (
    <Section
      title="Who is told"
      aside={
        <Link className={classes.link} to={{ pathname: "/alerts", search: `?${history}` }}>
          What it told
        </Link>
      }
    >
      <Facts
        facts={[
          ["When", whenOf(rule)],
          ["Then silent for", rule.digest ? null : minutes(rule.suppress_minutes)],
          ...(rule.channels.length === 0 ? [["By", channelsOf(rule)] as const] : []),
        ]}
      />
      <ul className={classes.channels}>
        {rule.channels.map((channel, nth) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: channels have no other name, and do not move
          <li key={nth}>{channelWord(channel)}</li>
        ))}
      </ul>
    </Section>
  );
}
