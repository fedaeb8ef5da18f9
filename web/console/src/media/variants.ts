import type { MediaView, Variant } from "../api/schema";

/** What can be shown of a media: a player with the picture it begins with, a picture, or neither yet. */
export interface Shown {
  picture: Variant | undefined;
  video: Variant | undefined;
}

/** The picture that stands for a media in a list; none until its first run has succeeded. */
export function thumbnailOf({ variants }: MediaView): Variant | undefined {
  return named(variants, "thumbnail") ?? named(variants, "poster");
}

/** What a media's own page shows. Where a run left the original as the best there is, that is shown itself. */
export function shownOf(media: MediaView): Shown {
  const { variants } = media;
  const original = isOptimised(media) ? named(variants, "original") : undefined;
  if (named(variants, "poster"))
    return { picture: named(variants, "poster"), video: named(variants, "video") ?? original };
  return { picture: named(variants, "photo") ?? original, video: undefined };
}

/** Whether an operator can ask for a media to be optimised: it has its original alone, and nobody is at it. */
export function canOptimise({ eligible_for_optimisation, status }: MediaView): boolean {
  return eligible_for_optimisation && status !== "scheduled" && status !== "processing";
}

/** The size of a picture: `640 × 360`; null where it is not known. */
export function dimensions({ width, height }: Variant): string | null {
  return width && height ? `${width} × ${height}` : null;
}

/** How long a video is, as players say it: `0:08`, `1:02:03`; null where it is not known. */
export function length({ duration_seconds }: Variant): string | null {
  if (duration_seconds === null) return null;
  const seconds = Math.round(duration_seconds);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** Where the incident of a failed run is found: its title begins with the error, whose numbers are the last one's. */
export function incidentSearch(error: string): string {
  const words = (/^[^\d]*/.exec(error)?.[0] ?? "").trim().replace(/\s+/g, " ").slice(0, 60);
  const search = new URLSearchParams({ error_key: "transcode_failed" });
  if (words) search.set("q", words);
  return `?${search}`;
}

function isOptimised({ variant_count }: MediaView): boolean {
  return variant_count > 1;
}

function named(variants: readonly Variant[], name: string): Variant | undefined {
  return variants.find((variant) => variant.name === name);
}
