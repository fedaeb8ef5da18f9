const FRESH_MS = 45 * 60_000;
const MOST = 500;

const shown = new Map<string, string>();

/**
 * The URL to show a file by. Every answer of the API signs its URLs anew, and a picture must not load anew with each: so
 * the first one of a file is shown until the API has signed one that is 45 minutes younger. It is good for an hour.
 */
export function steady(url: string): string {
  const [file = url] = url.split("?", 1);
  const known = shown.get(file);
  if (known && signedAt(url) - signedAt(known) < FRESH_MS) return known;
  shown.delete(file);
  shown.set(file, url);
  const [oldest] = shown.keys();
  if (shown.size > MOST && oldest) shown.delete(oldest);
  return url;
}

/** When a URL was signed, in milliseconds since 1970; never where it does not say so. */
export function signedAt(url: string): number {
  const said = new URL(url).searchParams.get("X-Amz-Date") ?? "";
  const [, date = "", hour, minute, second] = /^(\d{8})T(\d\d)(\d\d)(\d\d)Z$/.exec(said) ?? [];
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return Date.parse(`${day}T${hour}:${minute}:${second}Z`);
}
