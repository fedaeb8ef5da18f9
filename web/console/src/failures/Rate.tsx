import { percent } from "./figures";
import classes from "./Report.module.css";

/** A share from 0 to 1, in per cent and as long as it is. */
export function Rate({ share }: { share: number }) {
  return (
    <span className={classes.rate}>
      <span className={classes.meter} aria-hidden>
        <span style={{ width: `${share * 100}%` }} />
      </span>
      {percent(share)}
    </span>
  );
}
