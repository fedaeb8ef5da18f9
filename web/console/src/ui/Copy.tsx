import { ActionIcon, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { Check, Copy as Sheets } from "lucide-react";

interface Props {
  text: () => string;
  label: string;
  className?: string;
}

/** Copies a text to the clipboard, and says that it did. */
export function Copy({ text, label, className = "" }: Props) {
  const { copy, copied } = useClipboard();
  return (
    <Tooltip label={copied ? "Copied" : label}>
      <ActionIcon size="sm" aria-label={label} className={className} onClick={() => copy(text())}>
        {copied ? <Check size={14} /> : <Sheets size={14} />}
      </ActionIcon>
    </Tooltip>
  );
}
