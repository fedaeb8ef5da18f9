import { Button, Group, TextInput } from "@mantine/core";
import { UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { MOST_AT_ONCE, studentsIn } from "./roll";

interface Props {
  /** Who is on the roll already. */
  known: ReadonlySet<string>;
  /** How many more a roll call takes. */
  room: number;
  onAdd: (student_ids: string[]) => void;
}

/** Adds students to a roll by their ids, one or a pasted list. */
export function AddStudents({ known, room, onAdd }: Props) {
  const [text, setText] = useState("");
  const [error, setError] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { ids, wrong } = studentsIn(text);
    const added = ids.filter((id) => !known.has(id));
    const problem = problemOf(ids, wrong, added, room);
    setError(problem);
    if (problem) return;
    onAdd(added);
    setText("");
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <TextInput
          size="xs"
          flex={1}
          maw={320}
          aria-label="Students to add"
          placeholder="Ids of students, one or many"
          value={text}
          onChange={({ currentTarget: { value } }) => setText(value)}
          error={error}
        />
        <Button
          type="submit"
          variant="default"
          leftSection={<UserPlus size={14} aria-hidden />}
          disabled={text.trim() === ""}
        >
          Add
        </Button>
      </Group>
    </form>
  );
}

function problemOf(ids: string[], wrong: string[], added: string[], room: number): string | undefined {
  if (wrong.length > 0) return `No id of a student: ${wrong.slice(0, 3).join(", ")}. Ids are of A-Z a-z 0-9 _ . : @ -`;
  if (added.length === 0) return ids.length === 1 ? "This student is on the roll." : "These students are on the roll.";
  if (added.length > room) return `A roll call takes ${MOST_AT_ONCE} students at once: save first, or add fewer.`;
  return undefined;
}
