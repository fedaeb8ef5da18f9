import { newId } from "../ids";
import type { Reporter, ReportOptions } from "../reporter";
import { check, MOST_BYTES, typeOf } from "./checking";
import { Cancelled, NONSENSE, UploadError, type UploadStep } from "./errors";
import { type BegunUpload, createMedia, type MediaOptions } from "./media";
import { type Memory, memoryOf } from "./memory";
import type { Patience } from "./retrying";
import { send } from "./sending";

const ERROR_KEY = "homework_proof";
/** How often what the store turns out to miss is sent again. */
const MOST_ROUNDS = 2;

/** Where an upload stands. */
export interface Upload {
  file: File;
  status: "uploading" | "uploaded" | "failed" | "cancelled";
  /** Where it is, or where it ended. */
  step: UploadStep;
  sentBytes: number;
  mediaId?: string;
  /** Why it waits now to try again. */
  trouble?: UploadError | undefined;
  /** Why it failed; its `message` is for the customer. */
  error?: UploadError;
}

export interface UploadOptions extends MediaOptions {
  /** Who uploads. Named in reports, and needed to resume after the page was left. */
  customer?: { id: string | number; name?: string | undefined } | undefined;
  /** What the proof is for, such as `{student_id, homework_id}`: kept with the media, and told with each failure. */
  context?: Record<string, unknown> | undefined;
  /** Who is told of failures. */
  reporter?: Pick<Reporter, "report"> | undefined;
  /** What else to tell of a failure, such as `{route_name, user_notified}`. */
  reportOptions?: ReportOptions | undefined;
  /** Called at each change. */
  onChange?: ((upload: Upload) => void) | undefined;
  /** Cancels. */
  signal?: AbortSignal | undefined;
  /** Default: 2 GiB. */
  mostBytes?: number | undefined;
  /** Default: the browser's. */
  XMLHttpRequest?: typeof XMLHttpRequest | undefined;
}

/**
 * Upload files one after the other, each on its own: that one fails or is refused stops none of the others. Never rejects;
 * what became of each file is in the result, in their order.
 */
export async function uploadProofs(files: Iterable<File>, options: UploadOptions): Promise<Upload[]> {
  const uploads: Upload[] = [];
  for (const file of files) uploads.push(await uploadProof(file, options));
  return uploads;
}

/**
 * Upload one file: in one piece or in parts, tried again where that may help, and resumed where an earlier try of the same
 * customer with the same file stopped, within a day. Never rejects.
 */
export async function uploadProof(file: File, options: UploadOptions): Promise<Upload> {
  let upload: Upload = { file, status: "uploading", step: "check", sentBytes: 0 };
  const change = (news: Partial<Upload>) => {
    upload = { ...upload, trouble: undefined, ...news };
    try {
      options.onChange?.(upload);
    } catch {
      // What the page makes of the news is no part of the upload.
    }
  };
  change({});
  const memory = await memoryOf(file, [options.customer?.id, options.context]);
  try {
    await check(file, options.mostBytes ?? MOST_BYTES);
    await transfer(file, options, memory, change);
    memory.forget();
    change({ status: "uploaded", sentBytes: file.size });
  } catch (error) {
    if (error instanceof Cancelled) {
      memory.forget();
      abandon(upload, options);
      change({ status: "cancelled" });
    } else {
      const known = error instanceof UploadError ? error : unforeseen(error);
      if (isGone(known)) memory.forget();
      report(known, upload, options);
      change({ status: "failed", error: known });
    }
  }
  return upload;
}

/** Rejects with UploadError, or with Cancelled. */
async function transfer(
  file: File,
  options: UploadOptions,
  memory: Memory,
  change: (news: Partial<Upload>) => void,
): Promise<void> {
  const { context, signal, XMLHttpRequest } = options;
  const patience: Patience = { signal, onTrouble: (trouble) => change({ trouble }) };
  const media = createMedia(options, patience);
  change({ step: "begin" });
  const earlier = memory.find();
  let begun: BegunUpload | undefined;
  if (earlier) {
    try {
      begun = await media.renew(earlier);
    } catch (error) {
      if (codeOf(error) === "AlreadyUploaded") return change({ mediaId: earlier });
      if (!isGone(error)) throw error;
    }
  }
  const resumes = begun !== undefined;
  begun ??= await media.begin(
    { file_name: file.name, content_type: typeOf(file), size_bytes: file.size, context },
    newId(),
  );
  memory.keep(begun.media_id);
  change({ mediaId: begun.media_id });

  for (let round = 1; ; round++) {
    change({ step: "send" });
    const inParts = begun.upload.kind === "multipart" && (resumes || round > 1);
    try {
      const stored = inParts ? await media.parts(begun.media_id) : new Map();
      const onProgress = (sentBytes: number) => change({ sentBytes });
      await send({ file, begun, media, stored, onProgress, patience, XMLHttpRequest });
    } catch (error) {
      if (codeOf(error) !== "AlreadyUploaded") throw error;
    }
    change({ step: "complete" });
    try {
      return await media.complete(begun.media_id);
    } catch (error) {
      if (codeOf(error) !== "UploadIncomplete" || round === MOST_ROUNDS) throw error;
    }
  }
}

/** Let the store have its room back. Nobody waits for it: what is left is removed within a day. */
function abandon({ mediaId }: Upload, options: UploadOptions): void {
  if (!mediaId) return;
  createMedia(options, { signal: undefined, onTrouble: ignore }).abort(mediaId).catch(ignore);
}

function ignore(): void {}

function report(error: UploadError, upload: Upload, options: UploadOptions): void {
  const { file, step, sentBytes, mediaId } = upload;
  const { customer, context, reporter, reportOptions } = options;
  const { detail, status, code, correlationId, answer, tries } = error.facts;
  const description = {
    customer_id: customer?.id,
    customer_name: customer?.name,
    student_id: context?.student_id,
    ...context,
    file_name: file.name,
    file_size: file.size,
    file_type: typeOf(file),
    error_message: detail,
    failure: error.failure,
    step,
    code,
    attempts: tries,
    sent_bytes: sentBytes,
    media_id: mediaId,
    shown_to_customer: error.message,
    online: globalThis.navigator?.onLine,
  };
  reporter?.report(ERROR_KEY, description, {
    severity: error.failure === "file" ? "LOW" : "HIGH",
    actor_type: "customer",
    user_id: customer?.id,
    http_status: status,
    correlation_id: correlationId,
    response_data: typeof answer === "string" ? { body: answer } : (answer ?? undefined),
    ...reportOptions,
  });
}

function unforeseen(error: unknown): UploadError {
  return new UploadError("malformed", NONSENSE, { detail: `The upload ended unexpectedly: ${error}` });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof UploadError ? error.facts.code : undefined;
}

/** Whether the server does not know an upload any more, or will not go on with it. */
function isGone(error: unknown): boolean {
  return error instanceof UploadError && (error.facts.status === 404 || error.facts.status === 409);
}
