import { lazy } from "react";
import { Navigate, Route, Routes } from "react-router";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";

const IncidentsPage = lazy(() => import("./incidents/IncidentsPage"));
const IncidentPage = lazy(() => import("./incidents/IncidentPage"));
const FailuresPage = lazy(() => import("./failures/FailuresPage"));
const AlertsPage = lazy(() => import("./alerts/AlertsPage"));
const RulesPage = lazy(() => import("./alerts/RulesPage"));
const RulePage = lazy(() => import("./alerts/RulePage"));
const JobsPage = lazy(() => import("./jobs/JobsPage"));
const JobPage = lazy(() => import("./jobs/JobPage"));
const MediaPage = lazy(() => import("./media/MediaPage"));
const MediaDetail = lazy(() => import("./media/MediaDetail"));
const TasksPage = lazy(() => import("./tasks/TasksPage"));
const TaskPage = lazy(() => import("./tasks/TaskPage"));
const SchedulesPage = lazy(() => import("./schedules/SchedulesPage"));
const SchedulePage = lazy(() => import("./schedules/SchedulePage"));

/** The pages by their paths; each is loaded when it is first shown. */
export function Pages() {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<Navigate to="/incidents" replace />} />
        <Route path="incidents" element={<IncidentsPage />} />
        <Route path="incidents/:id" element={<IncidentPage />} />
        <Route path="failures" element={<FailuresPage />} />
        <Route path="alerts" element={<AlertsPage />} />
        <Route path="alerts/rules" element={<RulesPage />} />
        <Route path="alerts/:id" element={<RulePage />} />
        <Route path="jobs" element={<JobsPage />} />
        <Route path="jobs/:id" element={<JobPage />} />
        <Route path="media" element={<MediaPage />} />
        <Route path="media/:id" element={<MediaDetail />} />
        <Route path="tasks" element={<TasksPage />} />
        <Route path="tasks/:id" element={<TaskPage />} />
        <Route path="schedules" element={<SchedulesPage />} />
        <Route path="schedules/:id" element={<SchedulePage />} />
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
