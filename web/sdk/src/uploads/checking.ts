import { UploadError } from "./errors";

/** The API's default limit. */
export const MOST_BYTES = 2 * 1024 ** 3;

/** What browsers name no type for, or another one on each system. */
const TYPES: Record<string, string> = {
  "3gp": "video/3gpp",
  avif: "image/avif",
  heic: "image/heic",
  heif: "image/heif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  m4v: "video/mp4",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
  mp4: "video/mp4",
  png: "image/png",
  webm: "video/webm",
  webp: "image/webp",
};

/** The content type of a file: the browser's, else by its name. Empty when neither tells. */
export function typeOf(file: File): string {
  return file.type || (TYPES[file.name.split(".").pop()?.toLowerCase() ?? ""] ?? "");
}

/** Rejects with UploadError for a file that cannot be uploaded, before any of it is sent. */
export async function check(file: File, mostBytes: number): Promise<void> {
  const type = typeOf(file);
  const refuse = (message: string, detail: string) => new UploadError("file", message, { detail });
  if (!/^(image|video)\//.test(type) || type.startsWith("image/svg")) {
    throw refuse(
      "This is neither a photo nor a video. Choose another file.",
      `Files of type ${type || "unknown"} are not taken`,
    );
  }
  if (file.size === 0) throw refuse("This file is empty. Choose another one.", "The file is empty");
  if (file.size > mostBytes) {
    const [size, most] = [inUnits(file.size), inUnits(mostBytes)];
    throw refuse(`This file has ${size}; at most ${most} can be uploaded.`, "The file is too large");
  }
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch (error) {
    throw refuse("This file cannot be read any more. Choose it again.", `The file cannot be read: ${error}`);
  }
}

/** A size for people, such as "3.2 MB". */
export function inUnits(bytes: number): string {
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let index = 0;
  let size = bytes;
  for (; size >= 1_000 && index < units.length - 1; index++) size /= 1_024;
  return `${index === 0 || size >= 10 ? Math.round(size) : Number(size.toFixed(1))} ${units[index]}`;
}
