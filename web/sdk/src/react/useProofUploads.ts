import { useCallback, useEffect, useReducer, useRef } from "react";
import { type Upload, type UploadOptions, uploadProof } from "../uploads/uploading";

/** A file that was chosen: one that waits for its turn has not begun. */
export interface ProofUpload extends Omit<Upload, "status"> {
  id: number;
  status: Upload["status"] | "waiting";
}

/** Files and what can be done with them. */
export interface ProofUploads {
  uploads: ProofUpload[];
  add(files: Iterable<File>): void;
  /** Again, from where it stopped. */
  retry(id: number): void;
  /** Stop it, or forget that it was chosen. */
  remove(id: number): void;
}

type News =
  | { do: "add"; uploads: ProofUpload[] }
  | { do: "change"; id: number; upload: Partial<ProofUpload> }
  | { do: "remove"; id: number };

/**
 * Uploads files as they are chosen, one after the other, each on its own. `onUploaded` and `onFailed` are told how each ends.
 */
export function useProofUploads(
  options: Omit<UploadOptions, "onChange" | "signal">,
  told: { onUploaded?: ((upload: Upload) => void) | undefined; onFailed?: ((upload: Upload) => void) | undefined } = {},
): ProofUploads {
  const [uploads, dispatch] = useReducer(changed, []);
  const latest = useRef({ options, told });
  const nextId = useRef(1);
  const current = useRef<{ id: number; abort: AbortController } | null>(null);

  const next = uploads.find(({ status }) => status === "waiting");
  const busy = uploads.some(({ status }) => status === "uploading");

  useEffect(() => {
    latest.current = { options, told };
    if (!next || busy || current.current) return;
    const { id, file } = next;
    const abort = new AbortController();
    current.current = { id, abort };
    const change = (upload: Partial<ProofUpload>) => dispatch({ do: "change", id, upload });
    void uploadProof(file, { ...latest.current.options, onChange: change, signal: abort.signal }).then((upload) => {
      current.current = null;
      change(upload);
      if (upload.status === "uploaded") latest.current.told.onUploaded?.(upload);
      if (upload.status === "failed") latest.current.told.onFailed?.(upload);
    });
  });

  const add = useCallback((files: Iterable<File>) => {
    const chosen = Array.from(files, (file) => ({ id: nextId.current++, file, ...WAITING }));
    dispatch({ do: "add", uploads: chosen });
  }, []);
  const retry = useCallback((id: number) => dispatch({ do: "change", id, upload: WAITING }), []);
  const remove = useCallback((id: number) => {
    if (current.current?.id === id) current.current.abort.abort();
    dispatch({ do: "remove", id });
  }, []);
  return { uploads, add, retry, remove };
}

const WAITING = { status: "waiting", step: "check", sentBytes: 0 } as const;

function changed(uploads: ProofUpload[], news: News): ProofUpload[] {
  switch (news.do) {
    case "add":
      return [...uploads, ...news.uploads];
    case "remove":
      return uploads.filter(({ id }) => id !== news.id);
    case "change":
      return uploads.map((upload) => (upload.id === news.id ? { ...upload, ...news.upload } : upload));
  }
}
