import { describe, expect, it } from "vitest";
import { media, variant } from "./testing";
import { canOptimise, dimensions, incidentSearch, length, shownOf, thumbnailOf } from "./variants";

const named = (...names: string[]) => names.map((name) => variant(name));

describe("what is shown of a media", () => {
  it("is nothing before its first run has succeeded", () => {
    expect(shownOf(media())).toEqual({ picture: undefined, video: undefined });
    expect(thumbnailOf(media())).toBeUndefined();
  });

  it("is a player for a video, with its poster", () => {
    const video = media({ variants: named("original", "video", "poster"), variant_count: 3 });
    expect(shownOf(video)).toMatchObject({ picture: { name: "poster" }, video: { name: "video" } });
    expect(thumbnailOf(video)?.name).toBe("poster");
  });

  it("is the picture of a photo, in the list the small one", () => {
    const photo = media({ variants: named("original", "photo", "thumbnail"), variant_count: 3 });
    expect(shownOf(photo)).toMatchObject({ picture: { name: "photo" }, video: undefined });
    expect(thumbnailOf(photo)?.name).toBe("thumbnail");
  });

  it("is the original where nothing better could be made of it", () => {
    const video = media({ variants: named("original", "poster"), variant_count: 2 });
    const photo = media({ variants: named("original", "thumbnail"), variant_count: 2 });
    expect(shownOf(video).video?.name).toBe("original");
    expect(shownOf(photo).picture?.name).toBe("original");
  });
});

it.each([
  ["failed", true, true],
  ["uploaded", true, true],
  ["scheduled", true, false],
  ["processing", true, false],
  ["ready", false, false],
  ["awaiting_upload", false, false],
] as const)("a media that is %s, and eligible: %s, can be optimised: %s", (status, eligible, can) => {
  expect(canOptimise(media({ status, eligible_for_optimisation: eligible }))).toBe(can);
});

it.each([
  [0.4, "0:00"],
  [8, "0:08"],
  [59.6, "1:00"],
  [754, "12:34"],
  [3723, "1:02:03"],
])("%d seconds are %s long", (duration_seconds, words) => {
  expect(length(variant("video", { duration_seconds }))).toBe(words);
});

it("says nothing of what it does not know", () => {
  expect(length(variant("original"))).toBeNull();
  expect(dimensions(variant("original", { width: 640 }))).toBeNull();
  expect(dimensions(variant("video", { width: 640, height: 360 }))).toBe("640 × 360");
});

it("finds the incident of an error by its words, up to the numbers, which another failure of it may have changed", () => {
  expect(incidentSearch("The picture has 20000 x 20000 pixels.")).toBe("?error_key=transcode_failed&q=The+picture+has");
  expect(incidentSearch("12 frames are missing.")).toBe("?error_key=transcode_failed");
});
