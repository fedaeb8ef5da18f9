import { useCallback, useEffect, useState } from "react";
import { idToken } from "./session";
import { api } from "./settings";

const LOOK_EVERY_MS = 2_000;
const FINAL = ["ready", "failed", "awaiting_upload"];

/** A proof that was handed in, as the API tells of it. */
export interface Proof {
  media_id: string;
  file_name: string;
  content_type: string;
  status: "awaiting_upload" | "uploaded" | "scheduled" | "processing" | "ready" | "failed";
  variants: { name: string; url: string }[];
  error: string | null;
  note: string | null;
  created_at: string;
}

/** The customer's newest proofs, and a function that looks again. While any is being prepared it looks by itself. */
export function useProofs(): [Proof[] | undefined, () => void] {
  const [proofs, setProofs] = useState<Proof[]>();
  const [asked, setAsked] = useState(0);
  const look = useCallback(() => setAsked((times) => times + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is what asks.
  useEffect(() => {
    let current = true;
    fetchProofs().then(
      (found) => current && setProofs(found),
      // The page says that it failed where the customer acts; this list is only behind for a while.
      () => current && setProofs((known) => known ?? []),
    );
    return () => {
      current = false;
    };
  }, [asked]);

  const busy = proofs?.some(({ status }) => !FINAL.includes(status)) ?? false;
  useEffect(() => {
    if (!busy) return;
    const timer = setInterval(() => document.visibilityState === "visible" && look(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [busy, look]);
  return [proofs?.filter(({ status }) => status !== "awaiting_upload"), look];
}

async function fetchProofs(): Promise<Proof[]> {
  const answer = await fetch(`${api}/media?limit=24`, { headers: { Authorization: `Bearer ${await idToken()}` } });
  if (!answer.ok) throw new Error(`The proofs could not be listed: ${answer.status}`);
  const { items } = (await answer.json()) as { items: Proof[] };
  return items;
}
