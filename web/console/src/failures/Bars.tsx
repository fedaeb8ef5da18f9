import { compact } from "../ui/numbers";
import { bars } from "../ui/sparkline";
import classes from "./Bars.module.css";
import type { Point } from "./points";

const HEIGHT = 72;

interface Props {
  title: string;
  /** The oldest first. */
  points: readonly Point[];
  tone: "accent" | "red" | "green";
}

/** Counts over time, each with its time where the pointer rests. */
export function Bars({ title, points, tone }: Props) {
  const counts = points.map(({ count }) => count);
  const most = Math.max(0, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const [first, last] = [points[0]?.when, points.at(-1)?.when];
  return (
    <figure className={classes.chart}>
      <figcaption>
        <h2>{title}</h2>
        <span className="dim number">at most {compact(most)}</span>
      </figcaption>
      <svg
        data-tone={tone}
        viewBox={`0 0 ${points.length} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${total.toLocaleString("en")} from ${first} to ${last}, at most ${most.toLocaleString("en")}`}
      >
        {bars(counts, HEIGHT).map(({ x, y, height }, nth) => (
          <g key={x}>
            <title>{`${points[nth]?.when}: ${points[nth]?.count.toLocaleString("en")}`}</title>
            <rect className={classes.slot} x={x} y={0} width={1} height={HEIGHT} />
            <rect className={classes.bar} x={x + 0.1} y={y} width={0.8} height={height} />
          </g>
        ))}
      </svg>
      <div className={classes.span}>
        <span>{first}</span>
        <span>{last}</span>
      </div>
    </figure>
  );
}
