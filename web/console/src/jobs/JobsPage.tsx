import { Button, Tabs } from "@mantine/core";
import { Inbox } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { JobSummary } from "../api/schema";
import { Ago } from "../ui/Ago";
import { useFilters } from "../ui/filters";
import { Headline } from "../ui/Headline";
import { type Column, Items } from "../ui/Items";
import { Live } from "../ui/Live";
import { Note } from "../ui/Note";
import { Page } from "../ui/Page";
import { TextFilter } from "../ui/TextFilter";
import { JobActions } from "./JobActions";
import classes from "./JobsPage.module.css";
import { Progress } from "./Progress";
import { STATUSES, type Status, StatusMark, statusOf } from "./status";

const FILTERS = { status: STATUSES, kind: "text" } as const;

const COLUMNS: readonly Column<JobSummary>[] = [
  { header: "Job", cell: (job) => <About job={job} /> },
  { header: "Status", width: "126px", from: "sm", cell: (job) => <StatusMark status={statusOf(job)} /> },
  { header: "Progress", width: "150px", from: "sm", cell: (job) => <Progress job={job} /> },
  { header: "Attempts", width: "88px", align: "end", from: "md", cell: ({ attempts }) => attempts },
  { header: "Created", width: "88px", align: "end", from: "sm", cell: ({ created_at }) => <Ago time={created_at} /> },
  { header: "Actions", width: "140px", align: "end", cell: (job) => <JobActions job={job} /> },
];

const NOTHING: Record<Status | "all", string> = {
  all: "Work appears here as soon as something is uploaded.",
  pending: "Nothing waits for a worker.",
  running: "No worker is busy.",
  stuck: "Every running job has a worker that is known to be at it.",
  failed: "Nothing waits for you.",
  succeeded: "Jobs that end well are kept here for some weeks.",
};

/** The work there is, by how it stands, the newest first. */
export default function JobsPage() {
  const [filters, change] = useFilters(FILTERS);
  const list = useList<JobSummary>({
    key: ["jobs", "list", filters],
    page: (cursor, signal) =>
      answer(api.GET("/jobs", { params: { query: { ...filters, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 3,
  });
  return (
    <Page title="Jobs" aside={<Live query={list} />}>
      <Tabs
        value={filters.status ?? "all"}
        onChange={(status) => change({ status: STATUSES.find((each) => each === status) })}
      >
        <div className={classes.bar}>
          <Tabs.List>
            <Tabs.Tab value="all">All</Tabs.Tab>
            {STATUSES.map((status) => (
              <Tabs.Tab key={status} value={status}>
                <StatusMark status={status} />
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <TextFilter
            label="Kind"
            w={140}
            value={filters.kind}
            onChange={(kind) => change({ kind: kind?.toLowerCase().replace(/[^a-z_]/g, "") })}
          />
        </div>
        <Tabs.Panel value={filters.status ?? "all"}>
          <Items
            list={list}
            columns={COLUMNS}
            id={idOf}
            to={pathOf}
            what="jobs"
            empty={
              <Note
                title={filters.status ? `No ${filters.status} jobs` : "No jobs"}
                icon={<Inbox size={24} color="var(--dim)" aria-hidden />}
                actions={
                  filters.kind && (
                    <Button variant="default" onClick={() => change({ kind: undefined })}>
                      Show every kind
                    </Button>
                  )
                }
              >
                {filters.kind ? `None of the kind ${filters.kind}.` : NOTHING[filters.status ?? "all"]}
              </Note>
            }
          />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function About({ job }: { job: JobSummary }) {
  const { kind, subject_id, error, requested_by } = job;
  return (
    <Headline
      title={kind}
      beside={<span className="mono dim">{subject_id.slice(0, 8)}</span>}
      under={
        <>
          <span className="phone">
            <StatusMark status={statusOf(job)} />
          </span>
          <span className="truncate">{error ?? `for ${requested_by}`}</span>
        </>
      }
      bad={error !== null}
    />
  );
}

function idOf(job: JobSummary): string {
  return job.job_id;
}

function pathOf(job: JobSummary): string {
  return `/jobs/${job.job_id}`;
}
