import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import classes from "./Callout.module.css";

interface Props {
  tone: "red" | "orange" | "blue";
  Icon: LucideIcon;
  children: ReactNode;
  actions?: ReactNode;
}

/** Something about a page that should be read before the rest of it. */
export function Callout({ tone, Icon, children, actions }: Props) {
  return (
    <div className={classes.callout} data-tone={tone} role="status">
      <Icon size={16} aria-hidden />
      <div className={classes.words}>{children}</div>
      {actions}
    </div>
  );
}
