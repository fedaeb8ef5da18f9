import { UploadError } from "./errors";
import type { BegunUpload, Destination, Media } from "./media";
import { put } from "./putting";
import { type Patience, retrying } from "./retrying";

/** Signed URLs live for an hour; a part begun now must still arrive in it. */
const FRESH_MS = 45 * 60 * 1_000;

export interface Sending {
  file: File;
  begun: BegunUpload;
  media: Media;
  /** The numbers and sizes of the parts that the store holds already. */
  stored: Map<number, number>;
  onProgress(sentBytes: number): void;
  patience: Patience;
  XMLHttpRequest?: typeof XMLHttpRequest | undefined;
}

/** Send what the store does not hold yet, part after part. Rejects with UploadError, or with Cancelled. */
export async function send({
  file,
  begun,
  media,
  stored,
  onProgress,
  patience,
  XMLHttpRequest,
}: Sending): Promise<void> {
  let { upload } = begun;
  let renewAt = Date.now() + FRESH_MS;
  const partSize = upload.kind === "single" ? file.size : upload.part_size_bytes;
  const parts = Math.ceil(file.size / partSize);
  let arrived = 0;

  async function renew(): Promise<void> {
    upload = (await media.renew(begun.media_id)).upload;
    renewAt = Date.now() + FRESH_MS;
  }

  async function sendPart(number: number, body: Blob): Promise<void> {
    const what = parts === 1 ? "the file" : `part ${number} of ${parts}`;
    const sent = (bytes: number) => onProgress(arrived + Math.min(bytes, body.size));
    const { signal } = patience;
    await put({ ...target(upload, number), what, body, onProgress: sent, signal, XMLHttpRequest });
  }

  for (let number = 1; number <= parts; number++) {
    const body = file.slice((number - 1) * partSize, number * partSize);
    if (stored.get(number) !== body.size) {
      await retrying(async () => {
        if (Date.now() > renewAt) await renew();
        try {
          await sendPart(number, body);
        } catch (error) {
          onProgress(arrived);
          // The answer to a try before was lost, but the file had arrived.
          if (refusedWith(412, error) && upload.kind === "single") return;
          if (!refusedWith(403, error)) throw error;
          // The URL may have run out on the way.
          await renew();
          await sendPart(number, body);
        }
      }, patience);
    }
    arrived += body.size;
    onProgress(arrived);
  }
}

function target(upload: Destination, number: number): { url: string; headers: Record<string, string> } {
  if (upload.kind === "single") return { url: upload.url, headers: upload.headers };
  const part = upload.parts.find(({ part_number }) => part_number === number);
  return { url: part?.url ?? "", headers: {} };
}

function refusedWith(status: number, error: unknown): boolean {
  return error instanceof UploadError && error.facts.status === status;
}
