const FRESH_MS = 45 * 60_000;
const MOST = 500;

interface Shown {
  url: string;
  /** Whether the next URL is taken, however young: this one does not work. */
  spoilt: boolean;
  /** Whether it stands for one that was. */
  second: boolean;
}

const shown = new Map<string, Shown>();

/**
 * The URL to show a file by. Every answer of the API signs its URLs anew, and a picture must not load anew with each: so
 * the first one of a file is shown until the API has signed one that is 45 minutes younger. It is good for an hour.
 */
export function steady(url: string): string {
  const file = fileOf(url);
  const known = shown.get(file);
  const old = known && !(signedAt(url) - signedAt(known.url) < FRESH_MS);
  if (known && !old && !(known.spoilt && url !== known.url)) return known.url;
  shown.delete(file);
  shown.set(file, { url, spoilt: false, second: known?.spoilt ?? false });
  const [oldest] = shown.keys();
  if (shown.size > MOST && oldest) shown.delete(oldest);
  return url;
}

/**
 * Has a file shown by the next URL that the API signs, as this one does not work; returns whether it will be. Where the
 * next one does not work either, the file itself is broken.
 */
export function spoil(url: string): boolean {
  const known = shown.get(fileOf(url));
  if (known?.url !== url || known.second) return false;
  known.spoilt = true;
  return true;
}

/** When a URL was signed, in milliseconds since 1970; never where it does not say so. */
export function signedAt(url: string): number {
  const said = new URL(url).searchParams.get("X-Amz-Date") ?? "";
  const [, date = "", hour, minute, second] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(said) ?? [];
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return Date.parse(`${day}T${hour}:${minute}:${second}Z`);
}

function fileOf(url: string): string {
  return url.split("?", 1)[0] ?? url;
}
