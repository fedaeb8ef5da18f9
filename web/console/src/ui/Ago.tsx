import { absolute, ago, useNow } from "./time";

/** How long ago a moment (RFC 3339) is; in full where the pointer rests on it. A dash where there is none. */
export function Ago({ time }: { time: string | null | undefined }) {
  const now = useNow();
  if (!time) return <span className="dim">–</span>;
  return (
    <time dateTime={time} title={absolute(time)} className="number">
      {ago(time, now)}
    </time>
  );
}
