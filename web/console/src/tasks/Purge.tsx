import { Button, Group, Modal, Skeleton, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useAction } from "../api/action";
import type { PurgeResult } from "../api/schema";
import { shortDay } from "../ui/days";
import { Failed } from "../ui/Failed";
import classes from "./Purge.module.css";
import { instances, look, purge } from "./purging";

interface Props {
  /** The task whose future instances go; those of all recurring tasks without. */
  task_id?: string;
  /** Told what undoes it. */
  onPurged: (purge_ids: string[]) => void;
}

/** Deletes instances of the future that should not be there yet; shows which before it does. */
export function Purge({ task_id, onPurged }: Props) {
  const [asking, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" onClick={open}>
        Purge future…
      </Button>
      <Modal opened={asking} onClose={close} title="Purge future instances" size="md">
        <DryRun
          {...(task_id && { task_id })}
          onCancel={close}
          onPurged={(purge_ids) => {
            close();
            onPurged(purge_ids);
          }}
        />
      </Modal>
    </>
  );
}

function DryRun({ task_id, onPurged, onCancel }: Props & { onCancel: () => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["instances", "purge", task_id],
    queryFn: ({ signal }) => look(task_id, signal),
    // What was found before may be gone by now, and is not to be agreed to.
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { run, running } = useAction({
    run: (id: string | undefined) => purge(id),
    done: ({ deleted, purge_ids, complete }) => {
      onPurged(purge_ids);
      if (deleted === 0) return "Nothing was left to delete.";
      const rest = complete ? "" : " It stopped early: purge again for the rest.";
      return `Deleted ${instances(deleted)}. Each is made again on its day.${rest}`;
    },
    refused: "The purge did not come to its end",
    changes: [["tasks"], ["instances"]],
  });
  if (error) return <Failed error={error} retry={() => void refetch()} what="what would be deleted" />;
  return (
    <>
      <Text fz="sm" component="div" mih={120}>
        {data ? <Found result={data} /> : <Skeleton height={120} />}
      </Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="default" onClick={onCancel} data-autofocus>
          {data?.matched === 0 ? "Close" : "Cancel"}
        </Button>
        {data?.matched !== 0 && (
          <Button color="red.9" disabled={!data} loading={running} onClick={() => run(task_id)}>
            {data ? `Delete ${instances(data.matched)}` : "Delete"}
          </Button>
        )}
      </Group>
    </>
  );
}

function Found({ result: { matched, items, complete } }: { result: PurgeResult }) {
  if (matched === 0) {
    return <>There is nothing to purge: no recurring task has an instance of a date after today that is not done.</>;
  }
  return (
    <>
      This is a dry run: nothing was deleted yet. {complete ? "" : "At least "}
      <strong>{instances(matched)}</strong> of dates after today would go. The scheduler makes them again, each on its
      day; and you can undo it.
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it by the keys */}
      <ul className={classes.found} tabIndex={0} aria-label="What would be deleted">
        {items.map(({ instance_id, title, date }) => (
          <li key={instance_id}>
            <span className="truncate">{title}</span>
            <time dateTime={date}>{shortDay(date)}</time>
          </li>
        ))}
      </ul>
      {matched > items.length && <Text fz="xs" c="dimmed" mt={4}>{`The first ${items.length} of them.`}</Text>}
    </>
  );
}
