import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { every } from "../api/polling";
import type { AttendanceRecord } from "../api/schema";

/** More of one schedule than this are not read: no page shows them at once. */
const MOST = 2_000;
const PAGE = 100;

/** The attendance of a schedule, read whole. */
export interface Attendance {
  records: AttendanceRecord[];
  /** Whether there are more. */
  more: boolean;
}

/** The attendance of a schedule, read again every 15 seconds while somebody looks at it. */
export function useAttendance(schedule_id: string) {
  return useQuery({
    queryKey: attendanceKey(schedule_id),
    queryFn: ({ signal }) => read(schedule_id, signal),
    refetchInterval: every(15),
  });
}

export function attendanceKey(schedule_id: string) {
  return ["schedules", "attendance", schedule_id];
}

async function read(schedule_id: string, signal: AbortSignal): Promise<Attendance> {
  const records: AttendanceRecord[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor && { cursor }) };
    const path = { schedule_id };
    const page = await answer(api.GET("/schedules/{schedule_id}/attendance", { params: { path, query }, signal }));
    records.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && records.length < MOST);
  return { records, more: cursor !== null };
}
