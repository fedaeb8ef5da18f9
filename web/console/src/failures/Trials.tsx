import { answer, api } from "../api/client";
import type { TrialLine } from "../api/schema";
import type { Column } from "../ui/Items";
import { compact } from "../ui/numbers";
import { percent } from "./figures";
import { Report } from "./Report";
import classes from "./Report.module.css";
import { useReport } from "./reading";

/** How many outcomes have a shade of their own; the rarer ones share the last. */
const SHADES = [100, 62, 40, 24, 12] as const;

const COLUMNS: readonly Column<TrialLine>[] = [
  { header: "Trial", width: "30%", cell: ({ trial }) => <div className="truncate">{trial}</div> },
  { header: "Outcomes", cell: ({ outcomes }) => <Shares outcomes={outcomes} /> },
  { header: "Total", width: "76px", align: "end", cell: ({ total }) => compact(total) },
];

/** What became of trials, in per cent of each type. */
export function Trials() {
  const query = useReport("trials", (query, signal) =>
    answer(api.GET("/analytics/trials", { params: { query }, signal })),
  );
  return (
    <Report
      view="trials"
      query={query}
      columns={COLUMNS}
      id={trialOf}
      narrows={trialOf}
      what="trials"
      how={
        <>
          Events whose data names a <code>trial_type</code> and its <code>outcome</code> are counted here.
        </>
      }
    />
  );
}

function Shares({ outcomes }: Pick<TrialLine, "outcomes">) {
  const shown = Object.entries(outcomes).map(([name, share], nth) => ({ name, ...share, shade: shadeOf(nth) }));
  return (
    <>
      <div className={classes.shares} aria-hidden>
        {shown.map(({ name, percent: wide, shade }) => (
          <span key={name} style={{ width: `${wide}%`, background: shade }} />
        ))}
      </div>
      <ul className={classes.legend}>
        {shown.map(({ name, count, percent: share, shade }) => (
          <li key={name} title={count.toLocaleString("en")} style={{ "--share": shade } as React.CSSProperties}>
            {name} <span className="number dim">{percent(share / 100)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function shadeOf(nth: number): string {
  return `color-mix(in srgb, var(--accent) ${SHADES[nth] ?? SHADES.at(-1)}%, var(--line))`;
}

function trialOf({ trial }: TrialLine): string {
  return trial;
}
