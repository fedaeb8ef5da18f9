import type { ReactNode } from "react";
import classes from "./Headline.module.css";

interface Props {
  /** What it is called; cut where it is too long. */
  title: string;
  /** What stands beside that, such as tags. */
  beside?: ReactNode;
  /** What is to be known of it, in a line; a text is cut where it is too long. */
  under: ReactNode;
  /** Whether that line says what went wrong. */
  bad?: boolean;
}

/** What a line of a list is about: its title, and a smaller line under it. */
export function Headline({ title, beside, under, bad = false }: Props) {
  return (
    <span className={classes.headline}>
      <span className={classes.title}>
        <span className="truncate" title={title}>
          {title}
        </span>
        {beside}
      </span>
      <span className={`${classes.under} ${bad ? classes.bad : ""}`}>
        {typeof under === "string" ? <span className="truncate">{under}</span> : under}
      </span>
    </span>
  );
}
