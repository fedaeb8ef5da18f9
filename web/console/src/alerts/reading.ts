import { useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { every } from "../api/polling";

/** The rules there are; there may be a hundred besides those that are always there. */
export function useRules() {
  return useQuery({
    queryKey: ["rules", "list"],
    queryFn: async ({ signal }) => {
      const first = await answer(api.GET("/alerts/rules", { params: { query: { limit: 100 } }, signal }));
      if (!first.next_cursor) return first.items;
      const query = { limit: 100, cursor: first.next_cursor };
      const rest = await answer(api.GET("/alerts/rules", { params: { query }, signal }));
      return [...first.items, ...rest.items];
    },
    refetchInterval: every(20),
  });
}
