/** What the server tells the page of the deployment that it belongs to. */
export interface Settings {
  /** What goes before the paths of the API: a path, or nothing. */
  api: string;
  issuer: string;
  client_id: string;
  /** The claim of the ID token that holds the groups. */
  groups_claim: string;
  /** Where signing out goes on, when the issuer wants to hear of it. */
  logout_url: string | null;
  version: string;
  stage: string;
}

export const settings = readSettings(document);

/** Reads the settings that the server wrote into the page. Throws where it wrote none. */
export function readSettings(page: Document): Settings {
  const written = page.getElementById("settings")?.textContent?.trim();
  if (!written) throw new Error("This page was not filled in by a Groundcrew server: it has no settings.");
  return JSON.parse(written) as Settings;
}

/** The path that the console is served at, without a final slash, such as `/console`. */
export function basePath(page: Document): string {
  return new URL(page.baseURI).pathname.replace(/\/$/, "");
}
