import { NativeSelect } from "@mantine/core";
import { Radio } from "lucide-react";
import { answer, api } from "../api/client";
import { useList } from "../api/list";
import type { Kept } from "../api/schema";
import { useProject } from "../shell/project";
import { Facts } from "../ui/Facts";
import { useFilters } from "../ui/filters";
import { JsonTree } from "../ui/JsonTree";
import { type Json, preview } from "../ui/json";
import { Live } from "../ui/Live";
import { Log } from "../ui/Log";
import { Note } from "../ui/Note";
import { Toolbar } from "../ui/Page";
import { SEVERITIES, SEVERITY_CHOICE, SeverityMark } from "../ui/Severity";
import { TextFilter } from "../ui/TextFilter";
import { absolute } from "../ui/time";
import classes from "./Feed.module.css";
import { FILTERS } from "./views";

const NARROWED = { dimension: FILTERS.dimension, severity: FILTERS.severity } as const;

/** The events of a project as they come, the newest first. */
export function Feed() {
  const [project_id] = useProject();
  const [{ dimension: event, severity }, change, clear] = useFilters(NARROWED);
  const query = { project_id, ...(event && { event }), ...(severity && { severity }) };
  const list = useList<Kept>({
    key: ["failures", "feed", query],
    page: (cursor, signal) =>
      answer(api.GET("/analytics/feed", { params: { query: { ...query, ...(cursor && { cursor }) } }, signal })),
    id: idOf,
    seconds: 5,
  });
  return (
    <>
      <Toolbar clear={clear} aside={<Live query={list} />}>
        <TextFilter label="Event" value={event} onChange={(dimension) => change({ dimension })} />
        <NativeSelect
          size="xs"
          aria-label="Severity"
          value={severity ?? ""}
          onChange={(chosen) => change({ severity: SEVERITIES.find((each) => each === chosen.target.value) })}
          data={SEVERITY_CHOICE}
        />
      </Toolbar>
      <Log
        list={list}
        id={idOf}
        time={timeOf}
        summary={summary}
        detail={detail}
        what="events"
        empty={
          <Note
            title={clear ? "No event matches these filters" : "No event in the last week"}
            icon={<Radio size={24} color="var(--dim)" aria-hidden />}
          >
            {clear ? (
              "An event is found by its whole name."
            ) : (
              <>
                Events appear here within seconds of <code>POST /analytics/track</code>.
              </>
            )}
          </Note>
        }
      />
    </>
  );
}

function idOf({ event_id }: Kept): string {
  return event_id;
}

function timeOf({ received_at }: Kept): string {
  return received_at;
}

function summary({ event, severity, data, user_id }: Kept) {
  return (
    <>
      <span className={classes.severity}>
        <SeverityMark severity={severity} />
      </span>
      <span className={classes.what}>
        <span className={`${classes.event} mono truncate`}>{event}</span>
        <span className="mono dim truncate">{preview(data as Json)}</span>
      </span>
      {user_id && (
        <span className={`${classes.user} truncate`} data-from="sm">
          {`user ${user_id}`}
        </span>
      )}
    </>
  );
}

function detail({ event_id, timestamp, received_at, user_id, environment, data }: Kept) {
  return (
    <>
      <Facts
        facts={[
          [
            "Event id",
            <span key="id" className="mono">
              {event_id}
            </span>,
          ],
          ["Happened", absolute(timestamp)],
          ["Received", absolute(received_at)],
          ["User", user_id],
          ["Environment", environment],
        ]}
      />
      <div className={classes.data}>
        <JsonTree value={data as Json} />
      </div>
    </>
  );
}
