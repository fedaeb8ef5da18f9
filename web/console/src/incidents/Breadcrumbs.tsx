import { preview } from "../ui/json";
import type { Tone } from "../ui/Mark";
import classes from "./Breadcrumbs.module.css";
import type { Breadcrumb } from "./description";

const TONES: Readonly<Record<string, Tone>> = { fatal: "red", error: "red", warning: "orange", debug: "gray" };
const TIME = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** What happened before the failure, the oldest first, in the reader's time zone. */
export function Breadcrumbs({ crumbs }: { crumbs: readonly Breadcrumb[] }) {
  return (
    <ol className={classes.crumbs}>
      {crumbs.map(({ nth, at, category, level, message, data }) => (
        <li key={nth} data-tone={TONES[level] ?? "blue"}>
          <time dateTime={at ?? undefined} className={classes.time}>
            {at && clock(at)}
          </time>
          <span className={classes.category}>
            {category}
            {level !== "info" && <span className={classes.level}> {level}</span>}
          </span>
          <span className={classes.what}>
            {message} {data && <span className="mono dim">{preview(data)}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** A time of day; what is no time stays as it was written. */
function clock(at: string): string {
  const time = Date.parse(at);
  return Number.isNaN(time) ? at : TIME.format(time);
}
