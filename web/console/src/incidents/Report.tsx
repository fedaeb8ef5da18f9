import { Anchor, Text } from "@mantine/core";
import { Paperclip } from "lucide-react";
import type { Attachment, Feedback, IncidentDetail, KeptReport } from "../api/schema";
import { Ago } from "../ui/Ago";
import { Facts, Section } from "../ui/Facts";
import { JsonTree } from "../ui/JsonTree";
import { type Json, words } from "../ui/json";
import { bytes } from "../ui/numbers";
import { Breadcrumbs } from "./Breadcrumbs";
import { breadcrumbsOf, exceptionsOf, partOf, restOf } from "./description";
import classes from "./Report.module.css";
import { Stack } from "./Stack";

type Fields = { readonly [name: string]: Json };

/** What an incident's newest report and a kept one have in common. */
export interface Report
  extends Omit<
    Pick<KeptReport, keyof KeptReport & keyof IncidentDetail>,
    "description" | "request_data" | "response_data"
  > {
  description: Fields;
  request_data: Fields | null;
  response_data: Fields | null;
}

/** A report as the page shows it; null for an incident that keeps none yet. */
export function reportOf(source: KeptReport | IncidentDetail): Report | null {
  // Descriptions are JSON, which the API's description calls unknown.
  return source.description ? (source as unknown as Report) : null;
}

/** One report: where it failed, what led to it, what was sent and answered, and all else that it says. */
export function ReportView({ report }: { report: Report }) {
  const { description } = report;
  // An exception says it in its own headline.
  const raised = exceptionsOf(description).some(({ value }) => value);
  const crumbs = breadcrumbsOf(description);
  const rest = restOf(description);
  const tags = partOf(description, "tags");
  const contexts = partOf(description, "contexts");
  return (
    <>
      {report.error_message && !raised && <p className={classes.message}>{report.error_message}</p>}
      {report.feedback.length > 0 && <Said feedback={report.feedback} />}
      <Stack report={report} />
      {tags && (
        <Section title="Tags">
          <ul className={classes.tags}>
            {Object.entries(tags).map(([name, value]) => (
              <li key={name}>
                <span className="dim">{name}</span> {words(value)}
              </li>
            ))}
          </ul>
        </Section>
      )}
      {crumbs.length > 0 && (
        <Section title="What led to it">
          <Breadcrumbs crumbs={crumbs} />
        </Section>
      )}
      <Request report={report} />
      <Part title="User" value={partOf(description, "user")} />
      <Part title="Contexts" value={contexts} />
      <Part title="Description" value={Object.keys(rest).length > 0 ? rest : null} />
      {report.attachments.length > 0 && <Attachments attachments={report.attachments} />}
      {report.ingest_notes.length > 0 && (
        <Section title="Changed on the way in">
          <ul className={classes.notes}>
            {report.ingest_notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Request({ report }: { report: Report }) {
  const request = partOf(report.description, "request");
  const { endpoint, http_status, url, route_name, user_agent, request_data, response_data } = report;
  if (!(request || endpoint || url || request_data || response_data)) return null;
  return (
    <Section title="Request">
      <Facts
        facts={[
          ["Endpoint", endpoint && <span className="mono">{endpoint}</span>],
          ["Answered", http_status],
          ["Route", route_name && <span className="mono">{route_name}</span>],
          ["Page", url && <span className="mono">{url}</span>],
          ["Browser", user_agent],
        ]}
      />
      <Part title="Sent" value={request_data ?? request} />
      <Part title="Answer" value={response_data} />
    </Section>
  );
}

function Part({ title, value }: { title: string; value: Fields | null }) {
  if (!value) return null;
  return (
    <Section title={title}>
      <JsonTree value={value} />
    </Section>
  );
}

function Said({ feedback }: { feedback: readonly Feedback[] }) {
  return (
    <Section title="What people said">
      {feedback.map(({ message, name, email, received_at }) => (
        <blockquote key={received_at + message} className={classes.said}>
          <p>{message}</p>
          <footer className="dim">
            {[name, email].filter(Boolean).join(", ") || "Somebody"}, <Ago time={received_at} />
          </footer>
        </blockquote>
      ))}
    </Section>
  );
}

function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  return (
    <Section title="Attachments">
      <ul className={classes.files}>
        {attachments.map(({ name, size_bytes, url, received_at }) => (
          <li key={received_at + name}>
            <Paperclip size={14} aria-hidden />
            {url ? (
              <Anchor href={url} fz="sm" download={name}>
                {name}
              </Anchor>
            ) : (
              <span>{name}</span>
            )}
            <Text fz="xs" c="dimmed" span>
              {url ? bytes(size_bytes) : `${bytes(size_bytes)}, expired`}
            </Text>
          </li>
        ))}
      </ul>
    </Section>
  );
}
