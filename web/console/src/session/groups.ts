/** Whether a token's claims make somebody an admin, by the rule of the API, which has the last word. */
export function isAdmin(claims: Readonly<Record<string, unknown>>, groupsClaim: string): boolean {
  const groups = claims[groupsClaim];
  // An issuer may send a single group as a text: the whole of it is its name.
  return groups === "admin" || (Array.isArray(groups) && groups.includes("admin"));
}

/** What to call somebody. */
export function nameOf(claims: Readonly<Record<string, unknown>>): string {
  for (const name of ["name", "email", "preferred_username", "sub"]) {
    const value = claims[name];
    if (typeof value === "string" && value) return value;
  }
  return "somebody";
}
