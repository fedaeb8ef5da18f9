import { Button, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Plus } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  /** What is made, in a word: `task`. */
  what: string;
  /** The form that makes it; told what closes it. */
  children: (close: () => void) => ReactNode;
}

/** Opens the form that makes something. */
export function New({ what, children }: Props) {
  const [shown, { open, close }] = useDisclosure();
  return (
    <>
      <Button leftSection={<Plus size={14} aria-hidden />} onClick={open}>
        New {what}
      </Button>
      <Modal opened={shown} onClose={close} title={`New ${what}`} size="lg">
        {children(close)}
      </Modal>
    </>
  );
}
