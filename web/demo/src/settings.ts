/** What the server tells the page of the deployment that it belongs to. */
export interface Settings {
  /** What goes before the paths of the API: a path, or nothing. */
  api: string;
  issuer: string;
  client_id: string;
  /** Where signing out goes on, when the issuer wants to hear of it. */
  logout_url: string | null;
  version: string;
  stage: string;
  ingest_key: string;
}

export const settings = readSettings(document);

/** Where the API is. */
export const api = location.origin + settings.api;

/** The page's own address, without a final slash. */
export const home = new URL(document.baseURI).href.replace(/\/$/, "");

function readSettings(page: Document): Settings {
  const written = page.getElementById("settings")?.textContent?.trim();
  if (!written) throw new Error("This page was not filled in by a Groundcrew server: it has no settings.");
  return JSON.parse(written) as Settings;
}
