import { Button, Indicator, NativeSelect, Popover, SegmentedControl, Stack } from "@mantine/core";
import { ListFilter, PartyPopper } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { IncidentSummary } from "../api/schema";
import { useProject } from "../shell/project";
import { Ago } from "../ui/Ago";
import { type Changes, type Filters, useFilters } from "../ui/filters";
import { Headline } from "../ui/Headline";
import { type Column, Items } from "../ui/Items";
import { Live } from "../ui/Live";
import { Tag } from "../ui/Mark";
import { Note } from "../ui/Note";
import { NothingFound } from "../ui/NothingFound";
import { compact } from "../ui/numbers";
import { Page, Toolbar } from "../ui/Page";
import { Search } from "../ui/Search";
import { Sparkline } from "../ui/Sparkline";
import { TextFilter } from "../ui/TextFilter";
import { headline } from "./headline";
import { SEVERITIES, SeverityMark, STATUSES, StatusMark, word } from "./marks";

const FILTERS = { status: STATUSES, severity: SEVERITIES, environment: "text", error_key: "text", q: "text" } as const;

const COLUMNS: readonly Column<IncidentSummary>[] = [
  { header: "Incident", cell: (incident) => <About incident={incident} /> },
  { header: "Last 24 h", width: "136px", from: "md", cell: ({ trend }) => <Sparkline counts={trend} /> },
  { header: "Count", width: "76px", align: "end", cell: ({ count }) => compact(count) },
  { header: "Users", width: "72px", align: "end", from: "sm", cell: ({ user_count }) => compact(user_count) },
  { header: "Severity", width: "112px", from: "sm", cell: ({ severity }) => <SeverityMark severity={severity} /> },
  { header: "Status", width: "132px", from: "sm", cell: ({ status }) => <StatusMark status={status} /> },
  { header: "Seen", width: "84px", align: "end", cell: ({ last_seen }) => <Ago time={last_seen} /> },
];

/** The incidents of a project, under filters, the newest first. */
export default function IncidentsPage() {
  const [project_id] = useProject();
  const [filters, change, clear] = useFilters(FILTERS);
  const list = useList<IncidentSummary>({
    key: ["incidents", "list", project_id, filters],
    page: (cursor, signal) =>
      answer(
        api.GET("/incidents", { params: { query: { project_id, ...filters, ...(cursor && { cursor }) } }, signal }),
      ),
    id: idOf,
    seconds: 5,
  });
  return (
    <Page title="Incidents" aside={<Live query={list} />}>
      <Toolbar clear={clear}>
        <Search label="Search title or key" value={filters.q} onChange={(q) => change({ q })} />
        <SegmentedControl
          aria-label="Status"
          value={filters.status ?? ""}
          onChange={(status) => change({ status: STATUSES.find((each) => each === status) })}
          data={[{ value: "", label: "All" }, ...STATUSES.map((value) => ({ value, label: word(value) }))]}
        />
        <NativeSelect
          size="xs"
          aria-label="Severity"
          value={filters.severity ?? ""}
          onChange={(event) => change({ severity: SEVERITIES.find((each) => each === event.target.value) })}
          data={[{ value: "", label: "Any severity" }, ...SEVERITIES.map((value) => ({ value, label: word(value) }))]}
        />
        <RareFilters filters={filters} change={change} />
      </Toolbar>
      <Items
        list={list}
        columns={COLUMNS}
        id={idOf}
        to={pathOf}
        what="incidents"
        empty={clear ? <NothingFound what="incident" clear={clear} /> : <NothingYet />}
      />
    </Page>
  );
}

function About({ incident }: { incident: IncidentSummary }) {
  const { error_key, environments, regressed, status } = incident;
  return (
    <Headline
      title={headline(incident)}
      beside={
        regressed &&
        status !== "FIXED" && (
          <Tag tone="red" title="It came back after it was fixed">
            Regressed
          </Tag>
        )
      }
      under={
        <>
          <span className="phone">
            <StatusMark status={status} />
          </span>
          <span className="mono truncate">{error_key}</span>
          {environments.length > 0 && (
            <span className="truncate" data-from="sm">
              {environments.join(", ")}
            </span>
          )}
        </>
      }
    />
  );
}

interface RareProps {
  filters: Filters<typeof FILTERS>;
  change: (changes: Changes<typeof FILTERS>) => void;
}

function RareFilters({ filters, change }: RareProps) {
  return (
    <Popover position="bottom-start" width={240} trapFocus>
      <Indicator disabled={!filters.environment && !filters.error_key} size={7} offset={3}>
        <Popover.Target>
          <Button variant="default" leftSection={<ListFilter size={14} aria-hidden />}>
            Filters
          </Button>
        </Popover.Target>
      </Indicator>
      <Popover.Dropdown>
        <Stack gap="xs">
          <TextFilter
            label="Environment"
            value={filters.environment}
            onChange={(environment) => change({ environment })}
          />
          <TextFilter
            label="Error key begins with"
            value={filters.error_key}
            onChange={(error_key) => change({ error_key })}
          />
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function NothingYet() {
  return (
    <Note title="Nothing has failed" icon={<PartyPopper size={24} color="var(--dim)" aria-hidden />}>
      Failures appear here within seconds of being reported: by <code>POST /incidents</code>, by the browser SDK, or by
      any Sentry SDK with this project's DSN.
    </Note>
  );
}

function pathOf(incident: IncidentSummary): string {
  return `/incidents/${incident.incident_id}`;
}

function idOf(incident: IncidentSummary): string {
  return incident.incident_id;
}
