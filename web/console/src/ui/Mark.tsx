import type { ReactNode } from "react";
import classes from "./Mark.module.css";

export type Tone = "red" | "orange" | "yellow" | "green" | "blue" | "violet" | "gray";

interface Props {
  tone: Tone;
  icon: ReactNode;
  children: ReactNode;
}

/** A state in a word, with an icon that tells it without colour. */
export function Mark({ tone, icon, children }: Props) {
  return (
    <span className={classes.mark}>
      <span className={classes.icon} data-tone={tone} aria-hidden>
        {icon}
      </span>
      {children}
    </span>
  );
}

/** A word that stands out, such as that an incident came back. */
export function Tag({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={classes.tag} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
