import { answer, api } from "../api/client";
import type { MediaView } from "../api/schema";
import { DeleteButton } from "../ui/DeleteButton";

/** Deletes a media with its files. */
export function Delete({ media: { media_id, file_name, variant_count } }: { media: MediaView }) {
  return (
    <DeleteButton
      what="media"
      name={file_name}
      area="media"
      id={media_id}
      is={(media: MediaView) => media.media_id === media_id}
      remove={() => answer(api.DELETE("/media/{media_id}", { params: { path: { media_id } } }))}
      changes={[["jobs"]]}
      list="/media"
    >
      {variant_count > 1 ? `The original and ${variant_count - 1} more files` : "The file"} of{" "}
      <strong>{file_name}</strong> go with it. That cannot be undone, and its customer is not told.
    </DeleteButton>
  );
}
