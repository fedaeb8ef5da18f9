import { Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";
import { answer, api } from "../api/client";
import type { Overview as Found } from "../api/schema";
import { Section } from "../ui/Facts";
import { Failed } from "../ui/Failed";
import { useRowKeys } from "../ui/keys";
import { compact } from "../ui/numbers";
import { SeverityMark } from "../ui/Severity";
import { Bars } from "./Bars";
import { Frame } from "./Frame";
import { percent } from "./figures";
import classes from "./Overview.module.css";
import { byDay, pointsOf } from "./points";
import { useReport } from "./reading";
import { searchOf, type View } from "./views";

/** How much happened and failed, when, where and for how many. */
export function Overview() {
  const query = useReport("overview", (query, signal) =>
    answer(api.GET("/analytics/overview", { params: { query }, signal })),
  );
  const { data, error, refetch } = query;
  return (
    <Frame query={query}>
      {data && <Charts overview={data} />}
      {!data && error && <Failed error={error} retry={() => void refetch()} what="the overview" />}
      {!data && !error && <Skeleton height={420} aria-busy />}
    </Frame>
  );
}

function Charts({ overview }: { overview: Found }) {
  const rows = useRowKeys<HTMLDivElement>();
  const { hours, items, events, errors, failure_rate, affected_users, endpoints, top_errors } = overview;
  const each = byDay(hours) ? "day" : "hour";
  const failing = endpoints.filter(({ failures }) => failures > 0);
  return (
    <div ref={rows}>
      <dl className={classes.totals}>
        <Total name="Events">{compact(events)}</Total>
        <Total name="Errors">{compact(errors)}</Total>
        <Total name="Failure rate">{percent(failure_rate)}</Total>
        <Total name="Users affected">{compact(affected_users)}</Total>
      </dl>
      <div className={classes.halves}>
        <Bars title={`Events per ${each}`} points={pointsOf(items, "events")} tone="accent" />
        <Bars title={`Errors per ${each}`} points={pointsOf(items, "errors")} tone="red" />
      </div>
      <div className={classes.halves}>
        <Section title="Failure rate by endpoint">
          <Ranking
            view="endpoints"
            none="No request failed."
            rows={failing.map(({ endpoint, requests, failures, failure_rate: rate }) => ({
              id: endpoint,
              dimension: endpoint,
              share: rate,
              figure: percent(rate),
              aside: `${compact(failures)} of ${compact(requests)}`,
            }))}
          />
        </Section>
        <Section title="Most frequent errors">
          <Ranking
            view="errors"
            none="Nothing severe happened."
            rows={top_errors.map(({ event, severity, count }) => ({
              id: `${severity}|${event}`,
              dimension: event,
              share: count / Math.max(1, top_errors[0]?.count ?? 0),
              figure: compact(count),
              aside: <SeverityMark severity={severity} />,
            }))}
          />
        </Section>
      </div>
    </div>
  );
}

function Total({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="number">{children}</dd>
    </div>
  );
}

interface RankingProps {
  view: View;
  rows: readonly { id: string; dimension: string; share: number; figure: string; aside: ReactNode }[];
  none: string;
}

/** The most of something, each as long as its share and leading to its report. */
function Ranking({ view, rows, none }: RankingProps) {
  const { search } = useLocation();
  if (rows.length === 0) return <p className={classes.none}>{none}</p>;
  return (
    <ol className={classes.ranking}>
      {rows.map(({ id, dimension, share, figure, aside }) => (
        <li key={id}>
          <Link to={{ search: searchOf(search, view, dimension) }} data-row>
            <span className={classes.share} style={{ width: `${Math.min(share, 1) * 100}%` }} aria-hidden />
            <span className="mono truncate">{dimension}</span>
            <span className={classes.aside}>{aside}</span>
            <span className={classes.figure}>{figure}</span>
          </Link>
        </li>
      ))}
    </ol>
  );
}
