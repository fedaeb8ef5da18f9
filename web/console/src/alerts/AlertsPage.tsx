import { Button, Group, NativeSelect, SegmentedControl } from "@mantine/core";
import { BellRing, SlidersHorizontal } from "lucide-react";
import { Link } from "react-router";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { AlertView, DeliveryView } from "../api/schema";
import { useCarried, useProject } from "../shell/project";
import { Facts } from "../ui/Facts";
import { useFilters } from "../ui/filters";
import { Headline } from "../ui/Headline";
import { Live } from "../ui/Live";
import { Log } from "../ui/Log";
import { Tag } from "../ui/Mark";
import { Note } from "../ui/Note";
import { NothingFound } from "../ui/NothingFound";
import { Page, Toolbar } from "../ui/Page";
import { SeverityMark } from "../ui/Severity";
import { absolute } from "../ui/time";
import classes from "./AlertsPage.module.css";
import { kindWord } from "./kinds";
import { useRules } from "./reading";
import { STATES, StateMark, stateWord } from "./state";
import { CHANNELS } from "./words";

const FILTERS = { state: STATES, rule_id: "text" } as const;

/** What somebody was told of, or would have been but for a rule that holds back, the newest first. */
export default function AlertsPage() {
  const [filters, change, clear] = useFilters(FILTERS);
  const carried = useCarried();
  const { data: rules = [] } = useRules();
  const list = useList<AlertView>({
    key: ["alerts", "list", filters],
    page: (cursor, signal) =>
      answer(api.GET("/alerts", { params: { query: { ...filters, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 10,
  });
  return (
    <Page
      title="Alerts"
      aside={
        <Group gap="xs" wrap="nowrap">
          <Live query={list} />
          <Button
            variant="default"
            component={Link}
            to={{ pathname: "/alerts/rules", search: carried }}
            leftSection={<SlidersHorizontal size={14} aria-hidden />}
          >
            Rules
          </Button>
        </Group>
      }
    >
      <Toolbar clear={clear}>
        <SegmentedControl
          aria-label="State"
          value={filters.state ?? ""}
          onChange={(state) => change({ state: STATES.find((each) => each === state) })}
          data={[{ value: "", label: "All" }, ...STATES.map((value) => ({ value, label: stateWord(value) }))]}
        />
        <NativeSelect
          size="xs"
          aria-label="Rule"
          maw={240}
          value={filters.rule_id ?? ""}
          onChange={({ currentTarget: { value } }) => change({ rule_id: value })}
          data={[
            { value: "", label: "Any rule" },
            ...rules.map(({ rule_id, name }) => ({ value: rule_id, label: name })),
            // One that was deleted has a history all the same.
            ...(filters.rule_id && !rules.some(({ rule_id }) => rule_id === filters.rule_id)
              ? [{ value: filters.rule_id, label: filters.rule_id }]
              : []),
          ]}
        />
      </Toolbar>
      <Log
        list={list}
        id={idOf}
        time={timeOf}
        summary={summary}
        detail={detail}
        what="alerts"
        empty={
          clear ? (
            <NothingFound what="alert" clear={clear} />
          ) : (
            <Note
              title="Nobody had to be told of anything"
              icon={<BellRing size={24} color="var(--dim)" aria-hidden />}
            >
              What rules find appears here within seconds, sent or held back, with what became of it by each channel.
            </Note>
          )
        }
      />
    </Page>
  );
}

function idOf({ alert_id }: AlertView): string {
  return alert_id;
}

function timeOf({ at }: AlertView): string {
  return at;
}

function summary(alert: AlertView) {
  return <Summary alert={alert} />;
}

function Summary({ alert }: { alert: AlertView }) {
  const [shown] = useProject();
  const project = alert.project_id && alert.project_id !== shown ? `project ${alert.project_id}` : null;
  return (
    <>
      <Headline
        title={alert.title}
        beside={
          <>
            {alert.signal === "resolve" && <Tag tone="green">Resolved</Tag>}
            {alert.count > 1 && <span className={classes.times}>× {alert.count.toLocaleString("en")}</span>}
          </>
        }
        under={[kindWord(alert.kind), alert.rule, alert.environment, project].filter(Boolean).join(" · ")}
      />
      <span className={classes.severity} data-from="sm">
        <SeverityMark severity={alert.severity} />
      </span>
      <span className={classes.state}>
        <StateMark state={alert.state} />
      </span>
    </>
  );
}

function detail(alert: AlertView) {
  return <Told alert={alert} />;
}

function Told({ alert }: { alert: AlertView }) {
  const { suppressed, state, deliveries } = alert;
  const carried = useCarried();
  const incident = /^incident:(\w+)$/.exec(alert.subject)?.[1];
  const many = suppressed > 0 ? suppressed.toLocaleString("en") : null;
  const held = many && `${many} ${state === "suppressed" ? "after one that was told" : "since the one before"}`;
  return (
    <>
      {alert.lines.length > 0 && <pre className={classes.lines}>{alert.lines.join("\n")}</pre>}
      <Facts
        facts={[
          ["At", absolute(alert.at)],
          [
            "Rule",
            <Link key="rule" className={classes.link} to={{ pathname: `/alerts/${alert.rule_id}`, search: carried }}>
              {alert.rule}
            </Link>,
          ],
          ["Severity", <SeverityMark key="severity" severity={alert.severity} />],
          [
            "Subject",
            incident ? (
              <Link key="subject" className={classes.link} to={{ pathname: `/incidents/${incident}`, search: carried }}>
                Its incident
              </Link>
            ) : (
              <span key="subject" className="mono">
                {alert.subject}
              </span>
            ),
          ],
          ["Held back", held],
          [
            "More",
            alert.link && !incident && (
              <a key="link" className={classes.link} href={alert.link}>
                Where it happened
              </a>
            ),
          ],
        ]}
      />
      {deliveries.length > 0 && <Deliveries deliveries={deliveries} />}
    </>
  );
}

function Deliveries({ deliveries }: { deliveries: readonly DeliveryView[] }) {
  return (
    <ul className={classes.deliveries} aria-label="Deliveries">
      {deliveries.map(({ channel, state, tries, reason, at }, nth) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: channels have no other name, and do not move
        <li key={nth}>
          <span className={classes.channel}>{CHANNELS[channel]}</span>
          <StateMark state={state} />
          <span className="dim number">
            {tries === 1 ? "1 try" : `${tries} tries`}, last at {absolute(at)}
          </span>
          {reason && <span className={classes.reason}>{reason}</span>}
        </li>
      ))}
    </ul>
  );
}
