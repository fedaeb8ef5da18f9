const PLACE = "groundcrew.uploads";
const MOST = 20;
const LIFE_MS = 24 * 60 * 60 * 1_000;

interface Begun {
  media_id: string;
  /** When, in milliseconds. */
  at: number;
}

/**
 * What a browser remembers of uploads under way, so that one goes on after the page was left: the media's id under a hash
 * that tells nothing of the file, for a day. Where nothing can be remembered, an upload begins anew.
 */
export interface Memory {
  find(): string | undefined;
  keep(mediaId: string): void;
  forget(): void;
}

/** The memory of one file for one purpose: whose it is, and what it is for. */
export async function memoryOf(file: File, purpose: unknown): Promise<Memory> {
  const name = await hashed([purpose, file.name, file.size, file.lastModified]).catch(() => undefined);
  return {
    find: () => (name ? read()[name]?.media_id : undefined),
    keep: (media_id) => name && write({ ...read(), [name]: { media_id, at: Date.now() } }),
    forget: () => name && write(Object.fromEntries(Object.entries(read()).filter(([key]) => key !== name))),
  };
}

async function hashed(facts: unknown): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(facts)));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function read(): Record<string, Begun> {
  try {
    const kept: Record<string, Begun> = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
    const live = Object.entries(kept).filter(([, { at }]) => Math.abs(Date.now() - at) < LIFE_MS);
    return Object.fromEntries(live);
  } catch {
    return {};
  }
}

function write(uploads: Record<string, Begun>): void {
  try {
    localStorage.setItem(PLACE, JSON.stringify(Object.fromEntries(Object.entries(uploads).slice(-MOST))));
  } catch {
    // Storage may be full or forbidden.
  }
}
