import { Group, Title } from "@mantine/core";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import classes from "./Page.module.css";

interface Props {
  title: string;
  /** What stands beside the title: whether it is live, what can be done. */
  aside?: ReactNode;
  /** Where a detail belongs: its list. */
  up?: { to: string; label: string };
  children: ReactNode;
}

/** A page: its title, here and in the browser's tab, and what it shows. */
export function Page({ title, aside, up, children }: Props) {
  return (
    <div className={classes.page}>
      <title>{`${title} · Groundcrew`}</title>
      {up && (
        <Link to={up.to} className={classes.up}>
          <ArrowLeft size={14} aria-hidden />
          {up.label}
        </Link>
      )}
      <Group justify="space-between" mb="sm" gap="xs" mih={30} align="center">
        <Title order={1} className={classes.title}>
          {title}
        </Title>
        {aside}
      </Group>
      {children}
    </div>
  );
}

/** What stands above a list: its filters. */
export function Toolbar({ children }: { children: ReactNode }) {
  return (
    <search className={classes.toolbar} aria-label="Filters">
      {children}
    </search>
  );
}
