import { Button } from "@mantine/core";
import { SearchX } from "lucide-react";
import { Note } from "./Note";

/** What stands where filters leave nothing of a list: `No incident matches these filters`. */
export function NothingFound({ what, clear }: { what: string; clear: () => void }) {
  return (
    <Note
      title={`No ${what} matches these filters`}
      icon={<SearchX size={24} color="var(--dim)" aria-hidden />}
      actions={
        <Button variant="default" onClick={clear}>
          Clear the filters
        </Button>
      }
    />
  );
}
