import { Button, Group, Modal, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Props {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What it will do, in the words of the button: `Delete incident`. */
  act: string;
  onConfirm: () => void;
  running?: boolean;
  /** What goes with it, and whether it can be undone. */
  children: ReactNode;
}

/** Asks before something that cannot be undone. */
export function Confirm({ opened, onClose, title, act, onConfirm, running = false, children }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="sm">
      <Text fz="sm" component="div">
        {children}
      </Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red.9" loading={running} onClick={onConfirm}>
          {act}
        </Button>
      </Group>
    </Modal>
  );
}
