/** A share from 0 to 1 in per cent: `0%`, `<0.1%`, `2.1%`, `12%`. */
export function percent(share: number): string {
  const amount = share * 100;
  if (amount > 0 && amount < 0.1) return "<0.1%";
  // What is not quite all is not said to be.
  if (amount < 100 && amount > 99.9) return ">99.9%";
  return `${amount < 10 && amount > 0 ? trimmed(amount, 1) : trimmed(amount, amount > 99 ? 1 : 0)}%`;
}

/** How long something takes, within some per cent: `0.4 ms`, `340 ms`, `1.5 s`; a dash where nobody knows. */
export function took(milliseconds: number | null): string {
  if (milliseconds === null) return "–";
  if (milliseconds < 10) return `${trimmed(milliseconds, 1)} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return `${trimmed(seconds, seconds < 10 ? 2 : 1)} s`;
}

function trimmed(number: number, digits: number): string {
  return String(Number(number.toFixed(digits)));
}
