import { Group, Skeleton, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import { Detail } from "../ui/Detail";
import { Section } from "../ui/Facts";
import { Failed } from "../ui/Failed";
import { JsonTree } from "../ui/JsonTree";
import { Live } from "../ui/Live";
import { Page } from "../ui/Page";
import { useAttendance } from "./attendance";
import { Delete } from "./Delete";
import { Roll } from "./Roll";
import { tally } from "./roll";
import { rangeInWords } from "./times";

const UP = { to: "/schedules", label: "Schedules" };

/** One schedule: when it is, and who was there. */
export default function SchedulePage() {
  const { id: schedule_id = "" } = useParams();
  const query = useQuery({
    queryKey: ["schedules", "detail", schedule_id],
    queryFn: ({ signal }) => answer(api.GET("/schedules/{schedule_id}", { params: { path: { schedule_id } }, signal })),
    refetchInterval: every(15),
  });
  const attendance = useAttendance(schedule_id);
  const { data, error, refetch } = attendance;
  return (
    <Detail query={query} what="schedule" up={UP} gone="It may have been deleted, with its attendance.">
      {(schedule) => (
        <Page
          title={schedule.title}
          up={UP}
          aside={
            <Group gap="xs" wrap="nowrap">
              <Live query={attendance} />
              <Delete schedule={schedule} attendance={data} />
            </Group>
          }
        >
          <Text fz="sm" c="dimmed" mb="lg">
            {rangeInWords(schedule.starts_at, schedule.ends_at, schedule.timezone)}, {schedule.timezone}
          </Text>
          <Section
            title="Attendance"
            aside={
              <Text fz="sm" c="dimmed" span>
                {data && tally(data.records)}
              </Text>
            }
          >
            {data && <Roll key={schedule_id} schedule_id={schedule_id} records={data.records} />}
            {!data && error && <Failed error={error} retry={() => void refetch()} what="the attendance" />}
            {!data && !error && <Skeleton height={320} />}
          </Section>
          {Object.keys(schedule.context).length > 0 && (
            <Section title="Context">
              <JsonTree value={schedule.context} />
            </Section>
          )}
        </Page>
      )}
    </Detail>
  );
}
