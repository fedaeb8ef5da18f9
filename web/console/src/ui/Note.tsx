import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  title: string;
  children?: ReactNode;
  icon?: ReactNode;
  actions?: ReactNode;
}

/** What stands where there is nothing to show: why, and what to do. */
export function Note({ title, children, icon, actions }: Props) {
  return (
    <Stack align="center" gap="xs" py={64} px="md" ta="center">
      {icon}
      <Text fw={600} component="h2" m={0} fz="md">
        {title}
      </Text>
      <Text c="dimmed" fz="sm" maw={420} component="div">
        {children}
      </Text>
      {actions}
    </Stack>
  );
}
