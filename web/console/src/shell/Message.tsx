import { Center, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import mark from "./mark.svg";

interface Props {
  title: string;
  children: ReactNode;
  actions?: ReactNode;
}

/** A page that is nothing but something to say, such as why there is nothing else. */
export function Message({ title, children, actions }: Props) {
  return (
    <Center mih="100dvh" p="md" component="main">
      <title>{`${title} · Groundcrew`}</title>
      <Stack maw={420} align="flex-start" gap="sm">
        <img src={mark} alt="" width={32} height={32} />
        <Title order={1}>{title}</Title>
        <Text component="div" c="dimmed">
          {children}
        </Text>
        {actions}
      </Stack>
    </Center>
  );
}
