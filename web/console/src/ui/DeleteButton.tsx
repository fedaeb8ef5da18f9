import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { useLocation, useNavigate } from "react-router";
import { useAction } from "../api/action";
import { changeItems } from "../api/list";
import { Confirm } from "./Confirm";

interface Props<Item, Gone> {
  /** What it is, in a word: `task`. */
  what: string;
  /** What it is called, where that is said: `Feed the hamster`. */
  name?: string;
  /** What its queries begin with, such as `tasks`; what was read of it alone has its id third. */
  area: string;
  id: string;
  /** Whether an item of the area's lists is the one. */
  is?: (item: Item) => boolean;
  remove: () => Promise<Gone>;
  /** What goes away or changes with it, besides the area's lists. */
  changes?: readonly QueryKey[];
  /** Where it was listed, which one comes back to; without, one stays. */
  list?: string | undefined;
  /** What is said when it is gone, where that is more than that it is. */
  done?: (gone: Gone) => string;
  /** Small, as in a row. */
  compact?: boolean;
  /** What goes with it, and whether it can be undone. */
  children: ReactNode;
}

/** Deletes a thing, once it was asked for twice. It leaves the lists at once, and comes back where the API refuses. */
export function DeleteButton<Item, Gone>(props: Props<Item, Gone>) {
  const { what, name, area, id, is, remove, changes = [], list, done, compact = false, children } = props;
  const [asking, { open, close }] = useDisclosure();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { search } = useLocation();
  const called = name ?? `The ${what}`;
  const { run, running } = useAction({
    run: (_id: string) => remove(),
    done: (gone) => {
      client.removeQueries({ queryKey: [area], predicate: ({ queryKey }) => queryKey[2] === id });
      close();
      if (list) void navigate({ pathname: list, search });
      return done?.(gone) ?? `${called} is deleted.`;
    },
    refused: `${called} was not deleted`,
    changes: [[area, "list"], ...changes],
    meanwhile: () => changeItems<Item>(client, [area, "list"], (item) => (is?.(item) ? null : item)),
  });
  return (
    <>
      <Tooltip label="Delete">
        <ActionIcon
          {...(compact ? { size: "sm" } : { size: 30, variant: "default" })}
          aria-label={`Delete ${name ?? what}`}
          onClick={open}
        >
          <Trash2 size={compact ? 14 : 15} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        onClose={close}
        title={`Delete this ${what}?`}
        act={`Delete ${what}`}
        onConfirm={() => run(id)}
        running={running}
      >
        {children}
      </Confirm>
    </>
  );
}
