import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { Keyboard } from "lucide-react";
import { lazy, Suspense } from "react";

const KeysTable = lazy(() => import("./KeysTable"));

/** What the keyboard does; `?` shows it. */
export function KeysHelp() {
  const [shown, { open, close }] = useDisclosure();
  useHotkeys([["shift+?", open]]);
  return (
    <>
      <Tooltip label="Keyboard shortcuts">
        <ActionIcon aria-label="Keyboard shortcuts" onClick={open} visibleFrom="sm">
          <Keyboard size={16} />
        </ActionIcon>
      </Tooltip>
      <Suspense>{shown && <KeysTable onClose={close} />}</Suspense>
    </>
  );
}
