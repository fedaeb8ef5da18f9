import type { CSSProperties } from "react";
import type { MediaView, Variant } from "../api/schema";
import classes from "./Preview.module.css";
import { spoil, steady } from "./signed";
import { type Status, wordOf } from "./status";
import { shownOf } from "./variants";

const NOT_YET: Partial<Record<Status, string>> = {
  awaiting_upload: "The file has not arrived yet.",
  failed: "There is no picture of it: its conversion failed.",
};

interface Props {
  media: MediaView;
  /** Reads the media again: what is shown by a URL that has run out needs another. */
  refetch: () => void;
}

/** The media itself, in a box of its proportions from the beginning. */
export function Preview({ media, refetch }: Props) {
  const { picture, video } = shownOf(media);
  const label = `Preview of ${media.file_name}`;
  const again = ({ url }: Variant) => {
    if (spoil(steady(url))) refetch();
  };
  return (
    <div className={classes.frame} style={proportions(picture)}>
      {video ? (
        <video
          controls
          playsInline
          preload="metadata"
          src={steady(video.url)}
          {...(picture && { poster: steady(picture.url) })}
          aria-label={label}
          onError={() => again(video)}
        />
      ) : picture ? (
        <img src={steady(picture.url)} alt={label} decoding="async" onError={() => again(picture)} />
      ) : (
        <p className={classes.words}>
          {NOT_YET[media.status] ?? `${wordOf(media.status)}. A preview appears here when it is optimised.`}
        </p>
      )}
    </div>
  );
}

/** As wide as the page, unless it would be higher than the window then; a low box for what cannot be shown. */
function proportions(picture: Variant | undefined): CSSProperties {
  const ratio = picture ? (picture.width ?? 16) / (picture.height ?? 9) : 3;
  return { aspectRatio: ratio, width: `min(100%, calc(70vh * ${ratio.toFixed(4)}))` };
}
