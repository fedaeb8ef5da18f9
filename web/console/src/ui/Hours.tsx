import classes from "./Hours.module.css";
import { bars } from "./sparkline";
import { useNow } from "./time";

const HEIGHT = 56;
const HOUR = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** Hourly counts, the oldest first and the last of the present hour, each with its time where the pointer rests. */
export function Hours({ counts }: { counts: readonly number[] }) {
  const now = useNow();
  const hour = (nth: number) => HOUR.format((Math.floor(now / 3_600_000) - (counts.length - 1 - nth)) * 3_600_000);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (
    <figure className={classes.hours}>
      <svg
        viewBox={`0 0 ${counts.length} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${total.toLocaleString("en")} in the last ${counts.length} hours, at most ${Math.max(...counts)} an hour`}
      >
        {bars(counts, HEIGHT).map(({ x, y, height }, nth) => (
          <g key={x}>
            <title>{`${counts[nth]?.toLocaleString("en")} from ${hour(nth)}`}</title>
            <rect className={classes.slot} x={x} y={0} width={1} height={HEIGHT} />
            <rect className={classes.bar} x={x + 0.1} y={y} width={0.8} height={height} />
          </g>
        ))}
      </svg>
      <figcaption>
        <span>{hour(0)}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
