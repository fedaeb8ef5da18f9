import { Button, CloseButton, Group } from "@mantine/core";
import { Undo2 } from "lucide-react";
import { useAction } from "../api/action";
import { Callout } from "../ui/Callout";
import { instances, undo } from "./purging";

interface Props {
  purge_ids: readonly string[];
  /** Told when it is undone, or not to be. */
  onClose: () => void;
}

/** Offers to undo a purge; it is in the URL, so it can be undone by whoever has the link, for 90 days. */
export function Undo({ purge_ids, onClose }: Props) {
  const { run, running } = useAction({
    run: undo,
    done: (restored) => {
      onClose();
      return restored === 0 ? "There was nothing left to put back." : `Put back ${instances(restored)}.`;
    },
    refused: "The purge was not undone",
    changes: [["tasks"], ["instances"]],
  });
  return (
    <Callout
      tone="blue"
      Icon={Undo2}
      actions={
        <Group gap={4} wrap="nowrap">
          <Button variant="default" loading={running} onClick={() => run(purge_ids)}>
            Undo
          </Button>
          <CloseButton aria-label="Do not undo" onClick={onClose} />
        </Group>
      }
    >
      Future instances were purged. This can be undone for 90 days, by this very address.
    </Callout>
  );
}
