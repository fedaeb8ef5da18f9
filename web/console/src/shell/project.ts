import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { answer, api } from "../api/client";

const FIRST = "1";

/** The project that the console shows: `project` in the URL, so that a link shows the same to everybody. */
export function useProject(): [string, (project: string) => void] {
  const [params, setParams] = useSearchParams();
  const project = params.get("project") ?? FIRST;
  return [project, (next) => setParams(next === FIRST ? {} : { project: next })];
}

/** What a link within the console carries along: the project, where it is not the first. */
export function useCarried(): string {
  const [project] = useProject();
  return project === FIRST ? "" : `?project=${encodeURIComponent(project)}`;
}

/** The projects there are; the first hundred of them. */
export function useProjects() {
  return useQuery({
    queryKey: ["projects"],
    queryFn: ({ signal }) => answer(api.GET("/projects", { params: { query: { limit: 100 } }, signal })),
    select: ({ items }) => items,
    staleTime: 300_000,
  });
}
