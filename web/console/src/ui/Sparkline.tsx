import { memo } from "react";
import classes from "./Sparkline.module.css";
import { path } from "./sparkline";

const HEIGHT = 24;

/** Hourly counts at a glance, the oldest first. */
export const Sparkline = memo(function Sparkline({ counts }: { counts: readonly number[] }) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const label = `${total.toLocaleString("en")} in the last ${counts.length} hours`;
  return (
    <svg
      className={classes.sparkline}
      viewBox={`0 0 ${counts.length} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <path className={classes.ground} d={`M0 ${HEIGHT - 0.5}h${counts.length}`} />
      <path className={classes.bars} d={path(counts, HEIGHT)} />
    </svg>
  );
});
