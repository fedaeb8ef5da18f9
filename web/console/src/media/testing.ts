import type { MediaView, Variant } from "../api/schema";

/** A media whose run failed, but for what is said of it. */
export function media(said: Partial<MediaView> = {}): MediaView {
  return {
    media_id: "m-1",
    owner_id: "customer-68",
    file_name: "proof.mov",
    content_type: "video/quicktime",
    size_bytes: 1_900_000,
    status: "failed",
    variants: [variant("original")],
    variant_count: 1,
    eligible_for_optimisation: true,
    context: {},
    error: "The file is broken.",
    note: null,
    job_id: "j-1",
    correlation_id: "c-1",
    created_at: "2026-01-25T08:15:30.123Z",
    updated_at: "2026-01-25T08:15:30.123Z",
    ...said,
  };
}

/** A file of a media, but for what is said of it. */
export function variant(name: string, said: Partial<Variant> = {}): Variant {
  return {
    name,
    content_type: "image/jpeg",
    size_bytes: 1_000,
    width: null,
    height: null,
    duration_seconds: null,
    url: `https://store.example/${name}`,
    ...said,
  };
}
