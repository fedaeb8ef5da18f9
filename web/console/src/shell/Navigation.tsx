import { Box } from "@mantine/core";
import { Bell, Bug, CalendarDays, ChartColumn, Clapperboard, Cog, ListTodo } from "lucide-react";
import { NavLink } from "react-router";
import { useCarried } from "./project";
import classes from "./Shell.module.css";

const PAGES = [
  { to: "/incidents", label: "Incidents", Icon: Bug },
  { to: "/failures", label: "Failures", Icon: ChartColumn },
  { to: "/alerts", label: "Alerts", Icon: Bell },
  { to: "/media", label: "Media", Icon: Clapperboard },
  { to: "/jobs", label: "Jobs", Icon: Cog },
  { to: "/tasks", label: "Tasks", Icon: ListTodo },
  { to: "/schedules", label: "Schedules", Icon: CalendarDays },
] as const;

/** The pages, in the order in which a day at work visits them. */
export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const search = useCarried();
  return (
    <Box component="ul" className={classes.nav}>
      {PAGES.map(({ to, label, Icon }) => (
        <li key={to}>
          <NavLink className={classes.navLink ?? ""} to={{ pathname: to, search }} onClick={onNavigate}>
            <Icon size={16} strokeWidth={1.8} aria-hidden />
            {label}
          </NavLink>
        </li>
      ))}
    </Box>
  );
}
