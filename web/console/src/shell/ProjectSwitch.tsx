import { Button, Menu } from "@mantine/core";
import { ChevronsUpDown } from "lucide-react";
import { useProject, useProjects } from "./project";

/** Chooses the project, where there is a choice. */
export default function ProjectSwitch() {
  const [project, setProject] = useProject();
  const { data: projects } = useProjects();
  if (!projects || projects.length < 2) return null;
  const shown = projects.find(({ project_id }) => project_id === project);
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button variant="subtle" color="gray" rightSection={<ChevronsUpDown size={14} aria-hidden />}>
          {shown?.name ?? `Project ${project}`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Project</Menu.Label>
        {projects.map(({ project_id, name }) => (
          <Menu.Item
            key={project_id}
            role="menuitemradio"
            aria-checked={project_id === project}
            fw={project_id === project ? 600 : undefined}
            onClick={() => setProject(project_id)}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
