import { Button, Modal, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { TaskView } from "../api/schema";
import { today } from "../ui/days";
import { Form } from "../ui/Form";
import { useTaskChange } from "./change";

/** Ends a recurring task with a date, moves that date, or takes it away. */
export function End({ task }: { task: TaskView }) {
  const [asking, { open, close }] = useDisclosure();
  const { run, running } = useTaskChange(task);
  const save = (end_date: string | null) => {
    run({ end_date });
    close();
  };
  return (
    <>
      <Button variant="default" onClick={open} disabled={running}>
        End…
      </Button>
      <Modal opened={asking} onClose={close} title="When does this task end?" size="sm">
        <Form
          act="Set the end"
          onSubmit={(form) => save(String(new FormData(form).get("end_date")))}
          onCancel={close}
          aside={
            task.end_date && (
              <Button variant="default" mr="auto" onClick={() => save(null)}>
                Never end it
              </Button>
            )
          }
        >
          <TextInput
            name="end_date"
            type="date"
            label="Last date"
            required
            min={task.start_date}
            defaultValue={task.end_date ?? [task.start_date, today(task.timezone)].sort().at(-1)}
            data-autofocus
          />
          <Text fz="sm" c="dimmed">
            No instance is made for a later date. Those that there are already stay; purge the future ones to be rid of
            them.
          </Text>
        </Form>
      </Modal>
    </>
  );
}
