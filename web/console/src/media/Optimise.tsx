import { ActionIcon, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { WandSparkles } from "lucide-react";
import { useAction } from "../api/action";
import { answer, api } from "../api/client";
import type { MediaView } from "../api/schema";
import { changeThing } from "../api/thing";
import { canOptimise } from "./variants";

/** Has a media optimised. It is gone as soon as it is pressed, and comes back where the API refuses. */
export function Optimise({ media, size = 28 }: { media: MediaView; size?: number }) {
  const client = useQueryClient();
  const { run, running } = useAction({
    run: (media_id: string) => answer(api.POST("/media/{media_id}/optimise", { params: { path: { media_id } } })),
    done: () => `${media.file_name} will be optimised.`,
    refused: `${media.file_name} was not scheduled`,
    changes: [["media"], ["jobs"]],
    meanwhile: (media_id) =>
      changeThing<MediaView>(
        client,
        "media",
        media_id,
        (each) => each.media_id,
        (each) => ({ ...each, status: "scheduled", error: null }),
      ),
  });
  // A look at the list that began before the press may end after it, and not know of it yet.
  if (running || !canOptimise(media)) return null;
  return (
    <Tooltip label="Optimise">
      <ActionIcon
        size={size}
        variant="default"
        aria-label={`Optimise ${media.file_name}`}
        onClick={() => run(media.media_id)}
      >
        <WandSparkles size={15} />
      </ActionIcon>
    </Tooltip>
  );
}
