import { TextInput, type TextInputProps } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";

interface Props extends Omit<TextInputProps, "value" | "onChange" | "label"> {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

const TYPING_MS = 300;

/** A filter of any text. It follows the URL, and changes it once the typing pauses. */
export function TextFilter({ label, value, onChange, ...props }: Props) {
  const [typed, setTyped] = useState(value ?? "");
  const said = useRef(value);
  const say = useDebouncedCallback((next: string) => {
    said.current = next.trim() || undefined;
    onChange(said.current);
  }, TYPING_MS);

  useEffect(() => {
    // What we said ourselves comes back while somebody may be typing on.
    if (value === said.current) return;
    said.current = value;
    setTyped(value ?? "");
  }, [value]);

  return (
    <TextInput
      size="xs"
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        say(event.currentTarget.value);
      }}
      onKeyDown={leaveOnEscape}
      {...props}
    />
  );
}

function leaveOnEscape(event: KeyboardEvent<HTMLInputElement>): void {
  if (event.key !== "Escape") return;
  // A search field would be emptied.
  event.preventDefault();
  event.currentTarget.blur();
}
