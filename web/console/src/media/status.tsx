import { CircleAlert, CircleCheck, CircleDashed, CircleEllipsis, Clock, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import type { MediaView } from "../api/schema";
import { Mark, type Tone } from "../ui/Mark";

export type Status = MediaView["status"];

/** In the order in which a media goes through them. */
export const STATUSES = [
  "awaiting_upload",
  "uploaded",
  "scheduled",
  "processing",
  "ready",
  "failed",
] as const satisfies readonly Status[];

const STATES: Record<Status, { tone: Tone; icon: ReactNode; word: string }> = {
  awaiting_upload: { tone: "gray", icon: <CircleDashed size={14} />, word: "Awaiting upload" },
  uploaded: { tone: "blue", icon: <CircleEllipsis size={14} />, word: "Uploaded" },
  scheduled: { tone: "blue", icon: <Clock size={14} />, word: "Scheduled" },
  processing: { tone: "violet", icon: <LoaderCircle size={14} />, word: "Processing" },
  ready: { tone: "green", icon: <CircleCheck size={14} />, word: "Ready" },
  failed: { tone: "red", icon: <CircleAlert size={14} />, word: "Failed" },
};

/** A status as people read it. */
export function wordOf(status: Status): string {
  return STATES[status].word;
}

/** How far a media is. */
export function StatusMark({ status }: { status: Status }) {
  const { tone, icon, word } = STATES[status];
  return (
    <Mark tone={tone} icon={icon}>
      {word}
    </Mark>
  );
}
