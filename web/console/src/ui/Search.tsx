import { Kbd } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { Search as Glass } from "lucide-react";
import { useRef } from "react";
import { TextFilter } from "./TextFilter";

interface Props {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

/** The search of a page, which `/` jumps to. */
export function Search(props: Props) {
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => input.current?.focus()]]);
  return (
    <TextFilter
      ref={input}
      type="search"
      leftSection={<Glass size={14} aria-hidden />}
      rightSection={<Kbd size="xs">/</Kbd>}
      rightSectionPointerEvents="none"
      w={{ base: "100%", sm: 260 }}
      {...props}
    />
  );
}
