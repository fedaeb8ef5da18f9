import { Button, Group, Title } from "@mantine/core";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "react-router";
import classes from "./Page.module.css";

interface Props {
  title: string;
  /** What stands beside the title: whether it is live, what can be done. */
  aside?: ReactNode;
  /** Where a detail belongs: its list, under the filters that one came with. */
  up?: { to: string; label: string };
  children: ReactNode;
}

/** A page: its title, here and in the browser's tab, and what it shows. */
export function Page({ title, aside, up, children }: Props) {
  const { search } = useLocation();
  return (
    <div className={classes.page}>
      <title>{`${title} · Groundcrew`}</title>
      {up && (
        <Link to={{ pathname: up.to, search }} className={classes.up}>
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

interface ToolbarProps {
  children: ReactNode;
  /** Takes the filters away, where any is set. */
  clear?: (() => void) | undefined;
  /** What stands at its end. */
  aside?: ReactNode;
}

/** What stands above a list: its filters. */
export function Toolbar({ children, clear, aside }: ToolbarProps) {
  return (
    <search className={classes.toolbar} aria-label="Filters">
      {children}
      {clear && (
        <Button variant="subtle" color="gray" onClick={clear}>
          Clear
        </Button>
      )}
      {aside && <span className={classes.aside}>{aside}</span>}
    </search>
  );
}
