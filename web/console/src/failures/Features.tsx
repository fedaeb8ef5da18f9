import { answer, api } from "../api/client";
import type { FeatureLine } from "../api/schema";
import type { Column } from "../ui/Items";
import { compact } from "../ui/numbers";
import { took } from "./figures";
import { Rate } from "./Rate";
import { Report } from "./Report";
import { useReport } from "./reading";

const COLUMNS: readonly Column<FeatureLine>[] = [
  { header: "Feature", cell: ({ feature }) => <div className="truncate">{feature}</div> },
  { header: "Uses", width: "84px", align: "end", cell: ({ uses }) => compact(uses) },
  { header: "Users", width: "84px", align: "end", cell: ({ users }) => compact(users) },
  {
    header: "Failed",
    width: "124px",
    align: "end",
    from: "sm",
    cell: ({ failures, uses }) => <Rate share={uses > 0 ? failures / uses : 0} />,
  },
  {
    header: "Took on average",
    width: "140px",
    align: "end",
    from: "sm",
    cell: ({ mean_duration_ms }) => took(mean_duration_ms),
  },
];

/** Features: how often and by how many they were used, the most used first. */
export function Features() {
  const query = useReport("features", (query, signal) =>
    answer(api.GET("/analytics/features", { params: { query }, signal })),
  );
  return (
    <Report
      view="features"
      query={query}
      columns={COLUMNS}
      id={featureOf}
      narrows={featureOf}
      what="features"
      how={
        <>
          Events whose data names a <code>feature</code> are counted here.
        </>
      }
    />
  );
}

function featureOf({ feature }: FeatureLine): string {
  return feature;
}
