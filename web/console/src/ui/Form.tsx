import { Button, Group, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";

interface Props {
  /** What it does, in the words of its button: `Make task`. */
  act: string;
  /** Told the form itself, of which fields that nobody draws anew are read. */
  onSubmit: (form: HTMLFormElement) => void;
  onCancel: () => void;
  saving?: boolean;
  /** Whether it may be sent as it is filled in. */
  ready?: boolean;
  /** What else its foot offers. */
  aside?: ReactNode;
  children: ReactNode;
}

/** Fields in a dialog, and what sends them. */
export function Form({ act, onSubmit, onCancel, saving = false, ready = true, aside, children }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(event.currentTarget);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {children}
        <Group justify="flex-end" gap="xs">
          {aside}
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={saving} disabled={!ready}>
            {act}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
