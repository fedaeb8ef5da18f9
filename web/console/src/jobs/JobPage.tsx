import { Group } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import type { JobAttempt, JobAudit, JobDetail } from "../api/schema";
import { useCarried } from "../shell/project";
import { Ago } from "../ui/Ago";
import { Detail } from "../ui/Detail";
import { Facts, Section } from "../ui/Facts";
import { JsonTree } from "../ui/JsonTree";
import type { Json } from "../ui/json";
import { Live } from "../ui/Live";
import { Page } from "../ui/Page";
import { absolute, span, useNow } from "../ui/time";
import { JobActions } from "./JobActions";
import classes from "./JobPage.module.css";
import { Progress } from "./Progress";
import { StatusMark, statusOf } from "./status";

const UP = { to: "/jobs", label: "Jobs" };

/** One job: how it stands, its attempts, and who did what to it. */
export default function JobPage() {
  const { id: job_id = "" } = useParams();
  const job = useQuery({
    queryKey: ["jobs", "detail", job_id],
    queryFn: ({ signal }) => answer(api.GET("/jobs/{job_id}", { params: { path: { job_id } }, signal })),
    refetchInterval: every(3),
  });
  return (
    <Detail query={job} what="job" up={UP} gone="It was deleted, or it ended well some weeks ago.">
      {(found) => (
        <Page
          title={`${found.kind} ${found.subject_id.slice(0, 8)}`}
          up={UP}
          aside={
            <Group gap="sm" wrap="nowrap">
              <Live query={job} />
              <JobActions job={found} list="/jobs" />
            </Group>
          }
        >
          <div className={classes.columns}>
            <div>
              <Present job={found} />
              <Section title="Attempts">
                <Attempts attempts={found.attempts_log} />
              </Section>
              <Section title="Audit trail">
                <Trail audit={found.audit} />
              </Section>
            </div>
            <aside aria-label="Facts">
              <About job={found} />
            </aside>
          </div>
        </Page>
      )}
    </Detail>
  );
}

function Present({ job }: { job: JobDetail }) {
  return (
    <div className={classes.present}>
      <StatusMark status={statusOf(job)} />
      <div className={classes.progress}>
        <Progress job={job} />
      </div>
      {job.error && <p className={classes.error}>{job.error}</p>}
      {job.stuck && (
        <p className={classes.hint}>
          Its worker has not been heard of for longer than a worker may be silent. Re-run it: should that worker still
          be at it, what it does comes to nothing.
        </p>
      )}
    </div>
  );
}

function About({ job }: { job: JobDetail }) {
  const carried = useCarried();
  return (
    <Section title="About">
      <Facts
        facts={[
          ["Kind", job.kind],
          [
            "Media",
            <Link key="media" to={{ pathname: `/media/${job.subject_id}`, search: carried }} className={classes.link}>
              <span className="mono">{job.subject_id.slice(0, 8)}</span>
            </Link>,
          ],
          ["Requested by", job.requested_by],
          ["Attempts", job.attempts],
          ["Created", <Ago key="created" time={job.created_at} />],
          ["Started", <Ago key="started" time={job.started_at} />],
          ["Finished", <Ago key="finished" time={job.finished_at} />],
          [
            "Correlation id",
            <span key="correlation" className="mono">
              {job.correlation_id}
            </span>,
          ],
        ]}
      />
    </Section>
  );
}

function Attempts({ attempts }: { attempts: readonly JobAttempt[] }) {
  const now = useNow();
  if (attempts.length === 0) return <p className={classes.hint}>No worker has begun it yet.</p>;
  return (
    <ol className={classes.log}>
      {attempts.map(({ attempt, started_at, ended_at, outcome, error }) => (
        <li key={attempt}>
          <span className="number dim">{attempt}</span>
          <StatusMark status={outcome} />
          <span>
            <Ago time={started_at} />
            {started_at && (
              <span className="dim">
                , took {span((ended_at ? Date.parse(ended_at) : now) - Date.parse(started_at))}
                {!ended_at && " so far"}
              </span>
            )}
            {error && <span className={classes.error}>{error}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Trail({ audit }: { audit: readonly JobAudit[] }) {
  if (audit.length === 0) return <p className={classes.hint}>Nobody has done anything to it.</p>;
  return (
    <ol className={classes.log}>
      {audit.map(({ at, actor, action, change, correlation_id }) => (
        <li key={at + action} title={`${absolute(at)}, correlation id ${correlation_id}`}>
          <Ago time={at} />
          <strong>{action}</strong>
          <span>
            <span className="dim">by</span> {actor}
            {change && <JsonTree value={change as Json} />}
          </span>
        </li>
      ))}
    </ol>
  );
}
