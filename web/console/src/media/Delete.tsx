import { ActionIcon, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useLocation, useNavigate } from "react-router";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { MediaView } from "../api/schema";
import { Confirm } from "../ui/Confirm";

/** Deletes a media, once it was asked for twice, and goes back to the list. */
export function Delete({ media: { media_id, file_name, variant_count } }: { media: MediaView }) {
  const [asking, { open, close }] = useDisclosure();
  const client = useQueryClient();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { run, running } = useAction({
    run: (id: string) => answer(api.DELETE("/media/{media_id}", { params: { path: { media_id: id } } })),
    done: () => {
      client.removeQueries({ queryKey: ["media", "detail", media_id] });
      void navigate({ pathname: "/media", search });
      return `${file_name} is deleted.`;
    },
    refused: `${file_name} was not deleted`,
    changes: [["media", "list"], ["jobs"]],
  });
  return (
    <>
      <Tooltip label="Delete">
        <ActionIcon size={30} variant="default" aria-label={`Delete ${file_name}`} onClick={open}>
          <Trash2 size={15} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this media?"
        act="Delete media"
        onConfirm={() => run(media_id)}
        running={running}
      >
        {variant_count > 1 ? `The original and ${variant_count - 1} more files` : "The file"} of{" "}
        <strong>{file_name}</strong> go with it. That cannot be undone, and its customer is not told.
      </Confirm>
    </>
  );
}
