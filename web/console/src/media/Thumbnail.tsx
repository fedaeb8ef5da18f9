import { Film, ImageIcon } from "lucide-react";
import { useState } from "react";
import type { MediaView } from "../api/schema";
import { spoil, steady } from "./signed";
import classes from "./Thumbnail.module.css";
import { thumbnailOf } from "./variants";

/** A media at a glance, in a box of one size; what kind it is where there is no picture of it. */
export function Thumbnail({ media }: { media: MediaView }) {
  const [broken, setBroken] = useState<string>();
  const picture = thumbnailOf(media);
  const giveUp = (url: string) => {
    spoil(url);
    setBroken(url);
  };
  const src = picture && steady(picture.url);
  const Kind = media.content_type.startsWith("video/") ? Film : ImageIcon;
  return (
    <span className={classes.box}>
      {src && src !== broken ? (
        <img src={src} alt="" loading="lazy" decoding="async" onError={() => giveUp(src)} />
      ) : (
        <Kind size={18} strokeWidth={1.6} aria-hidden />
      )}
    </span>
  );
}
