import { Group, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams, useSearchParams } from "react-router";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import type { IncidentDetail } from "../api/schema";
import { Broken } from "../shell/Broken";
import { Ago } from "../ui/Ago";
import { Detail } from "../ui/Detail";
import { Facts, Section } from "../ui/Facts";
import { Hours } from "../ui/Hours";
import { Live } from "../ui/Live";
import { Tag } from "../ui/Mark";
import { Note } from "../ui/Note";
import { Page } from "../ui/Page";
import { Delete } from "./Delete";
import { headline } from "./headline";
import classes from "./IncidentPage.module.css";
import { SeverityMark } from "./marks";
import { Occurrences } from "./Occurrences";
import { ReportView, reportOf } from "./Report";
import { Triage } from "./Triage";

const UP = { to: "/incidents", label: "Incidents" };

/** One incident: what its newest report says, the reports that are kept, and what is to be done about it. */
export default function IncidentPage() {
  const { id: incident_id = "" } = useParams();
  const incident = useQuery({
    queryKey: ["incidents", "detail", incident_id],
    queryFn: ({ signal }) => answer(api.GET("/incidents/{incident_id}", { params: { path: { incident_id } }, signal })),
    refetchInterval: every(5),
  });
  return (
    <Detail query={incident} what="incident" up={UP} gone="It may have been deleted, or its retention is over.">
      {(found) => (
        <Page
          title={headline(found)}
          up={UP}
          aside={
            <Group gap="xs" wrap="nowrap">
              <Live query={incident} />
              <Triage incident={found} />
              <Delete incident={found} />
            </Group>
          }
        >
          <Summary incident={found} />
          <div className={classes.columns}>
            <Reports incident={found} />
            <Sidebar incident={found} />
          </div>
        </Page>
      )}
    </Detail>
  );
}

function Summary({ incident }: { incident: IncidentDetail }) {
  return (
    <Group gap="md" mb="lg" fz="sm">
      <span className="mono dim">{incident.error_key}</span>
      <SeverityMark severity={incident.severity} />
      {incident.regressed && incident.status !== "FIXED" && (
        <Tag tone="red" title="It came back after it was fixed">
          Regressed
        </Tag>
      )}
      {incident.was_bypassed && (
        <Tag tone="yellow" title={incident.bypass_reason ?? "The user was let past the failure"}>
          Bypassed
        </Tag>
      )}
    </Group>
  );
}

function Reports({ incident }: { incident: IncidentDetail }) {
  const [params, setParams] = useSearchParams();
  const report = reportOf(incident);
  const show = (tab: string | null) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (tab === "occurrences") next.set("tab", tab);
        else next.delete("tab");
        return next;
      },
      { replace: true },
    );
  return (
    <Tabs value={params.get("tab") ?? "newest"} onChange={show} keepMounted={false} className={classes.reports ?? ""}>
      <Tabs.List mb="md">
        <Tabs.Tab value="newest">Newest report</Tabs.Tab>
        <Tabs.Tab value="occurrences">Occurrences</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="newest">
        {report ? (
          // What somebody sent may break its view; what can be done about the incident stays.
          <Broken key={incident.last_seen}>
            <ReportView report={report} />
          </Broken>
        ) : (
          <Note title="No report is kept yet">The count is right all the same; reports follow within seconds.</Note>
        )}
      </Tabs.Panel>
      <Tabs.Panel value="occurrences">
        <Occurrences incident_id={incident.incident_id} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Sidebar({ incident }: { incident: IncidentDetail }) {
  const { fix_commit_hash, fix_notes, fixed_in_release, fixed_at, stale_hits } = incident;
  const fixed = fix_commit_hash || fix_notes || fixed_in_release || fixed_at;
  return (
    <aside className={classes.sidebar} aria-label="Facts">
      <Section title="Last 24 hours">
        <Hours counts={incident.trend} />
      </Section>
      <Section title="How often">
        <Facts
          facts={[
            ["Count", <strong key="count">{incident.count.toLocaleString("en")}</strong>],
            ["Users", incident.user_count.toLocaleString("en")],
            ["Last seen", <Ago key="last" time={incident.last_seen} />],
            ["First seen", <Ago key="first" time={incident.first_seen} />],
          ]}
        />
      </Section>
      {fixed && (
        <Section title="Fix">
          <Facts
            facts={[
              ["Fixed", fixed_at && <Ago time={fixed_at} />],
              ["Commit", fix_commit_hash && <span className="mono">{fix_commit_hash}</span>],
              ["In release", fixed_in_release],
              ["Reports from before it", stale_hits > 0 ? stale_hits.toLocaleString("en") : null],
            ]}
          />
          {fix_notes && <p className={classes.notes}>{fix_notes}</p>}
        </Section>
      )}
      <Section title="Where">
        <Facts
          facts={[
            ["Environments", incident.environments.join(", ")],
            ["First release", incident.first_release],
            ["Last release", incident.last_release],
            [
              "User",
              incident.user_id && `${incident.user_id}${incident.actor_type ? ` (${incident.actor_type})` : ""}`,
            ],
          ]}
        />
      </Section>
      {incident.grouped_by && (
        <Section title="Why these are one incident">
          <Text fz="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            Grouped by {incident.grouped_by}
          </Text>
        </Section>
      )}
      {incident.correlation_id && (
        <Section title="Correlation id">
          <Text fz="xs" c="dimmed" className="mono" style={{ overflowWrap: "anywhere" }}>
            {incident.correlation_id}
          </Text>
        </Section>
      )}
    </aside>
  );
}
