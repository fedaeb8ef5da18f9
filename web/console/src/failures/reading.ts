import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { every } from "../api/polling";
import { useProject } from "../shell/project";
import { useFilters } from "../ui/filters";
import { FILTERS, pace, WINDOWS } from "./views";

/** What a report is asked for by. */
export interface Asked {
  project_id: string;
  hours: number;
  dimension?: string;
}

/** A report of the window, project and dimension that the URL names, looked at again while somebody looks at it. */
export function useReport<Report>(
  name: string,
  read: (query: Asked, signal: AbortSignal) => Promise<Report>,
): UseQueryResult<Report> {
  const [project_id] = useProject();
  const [{ hours = WINDOWS[0].value, dimension }] = useFilters(FILTERS);
  const query = { project_id, hours: Number(hours), ...(dimension && { dimension }) };
  return useQuery({
    queryKey: ["failures", name, query],
    queryFn: ({ signal }) => read(query, signal),
    refetchInterval: every(pace(query.hours)),
  });
}
