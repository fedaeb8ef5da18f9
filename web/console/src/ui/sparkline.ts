/** A bar of a sparkline, in the units of its view box. */
export interface Bar {
  x: number;
  y: number;
  height: number;
}

const LEAST = 1.5;
// A lone report is no peak: what is drawn full is at least so many an hour.
const FULL = 4;

/** The bars of hourly counts in a box of one unit of width per hour; what is not zero is seen, however small. */
export function bars(counts: readonly number[], height: number): Bar[] {
  const most = Math.max(FULL, ...counts);
  return counts.map((count, x) => {
    const tall = count > 0 ? Math.max(LEAST, (count / most) * height) : 0;
    return { x, y: round(height - tall), height: round(tall) };
  });
}

/** The same bars as one path. */
export function path(counts: readonly number[], height: number): string {
  return bars(counts, height)
    .filter((bar) => bar.height > 0)
    .map(({ x, y, height: tall }) => `M${round(x + 0.15)} ${y}h.7v${tall}h-.7z`)
    .join("");
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
