const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** A number in at most five characters: `7`, `1.2K`, `34M`. */
export function compact(number: number): string {
  return COMPACT.format(number);
}

/** A number of bytes, for people: `812 B`, `1.5 MB`, by powers of 1000. */
export function bytes(number: number): string {
  let unit = 0;
  let amount = number;
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit > 0 && amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}
