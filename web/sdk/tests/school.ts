import { type Answer, type Arrived, serve } from "./server";

/** A store and the media calls of the API before it, as an upload knows them. */
export interface School {
  url: string;
  arrived: Arrived[];
  /** The files that arrived whole, by their media. */
  files(): Map<string, Buffer>;
  /** The requests, such as `POST /media` and `PUT /store/m1/2`. */
  calls(): string[];
}

const PART_BYTES = 10;
const SINGLE_BYTES = 20;

interface Medium {
  size: number;
  parts: Map<number, Buffer>;
  uploaded: boolean;
  url: number;
}

/** What happens instead of an answer: none comes, or it is lost on its way. */
export type Fault = Answer | "wait" | "lose";

/** `fault` may answer a request in the school's place; its second argument says how often this request has come. */
export async function school(fault: (call: string, times: number) => Fault = () => undefined): Promise<School> {
  const media = new Map<string, Medium>();
  const times = new Map<string, number>();

  function destination(id: string, { size, url }: Medium): object {
    const at = (part: number) => `${server.url}/store/${id}/${part}?url=${url}`;
    if (size <= SINGLE_BYTES) return { kind: "single", url: at(1), headers: { "If-None-Match": "*" } };
    const parts = Array.from({ length: Math.ceil(size / PART_BYTES) }, (_, index) => index + 1);
    const urls = parts.map((part_number) => ({ part_number, url: at(part_number) }));
    return { kind: "multipart", upload_id: "u", part_size_bytes: PART_BYTES, parts: urls };
  }

  const whole = ({ size, parts }: Medium): Buffer | undefined => {
    const bytes = Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, part]) => part));
    return bytes.length === size ? bytes : undefined;
  };

  function answer(request: Arrived): Answer {
    const call = `${request.method} ${request.path}`;
    const count = (times.get(call) ?? 0) + 1;
    times.set(call, count);
    const instead = fault(call, count);
    if (instead === "wait") return undefined;
    if (instead && instead !== "lose") return instead;
    const usual = act(request);
    return instead ? "drop" : usual;
  }

  function act({ path, body, headers }: Arrived): Answer {
    const [, area, id = "", what = ""] = path.split("/");
    if (area === "media" && !id) {
      const media_id = `m${media.size + 1}`;
      const { size_bytes } = JSON.parse(body.toString());
      media.set(media_id, { size: size_bytes, parts: new Map(), uploaded: false, url: 1 });
    }
    const mediaId = id || `m${media.size}`;
    const medium = media.get(mediaId);
    if (!medium) return error(404, "MediaNotFound");
    if (area === "store") {
      if (headers["if-none-match"] && medium.parts.has(1)) return { status: 412 };
      medium.parts.set(Number(what), body);
      return { status: 200 };
    }
    if (what === "abort") {
      media.delete(mediaId);
      return { status: 204 };
    }
    if (what === "complete") {
      if (!whole(medium)) return error(409, "UploadIncomplete");
      medium.uploaded = true;
      return { status: 200, body: { media_id: mediaId } };
    }
    if (medium.uploaded) return error(409, "AlreadyUploaded");
    if (what === "parts") {
      const parts = [...medium.parts].map(([part_number, { length }]) => ({ part_number, size_bytes: length }));
      return { status: 200, body: { parts } };
    }
    if (what === "upload") medium.url++;
    const status = what === "upload" ? 200 : 201;
    return { status, body: { media_id: mediaId, status: "awaiting_upload", upload: destination(mediaId, medium) } };
  }

  const server = await serve(answer);
  return {
    ...server,
    calls: () => server.arrived.map(({ method, path }) => `${method} ${path}`),
    files() {
      const files = new Map<string, Buffer>();
      for (const [id, medium] of media) {
        const file = whole(medium);
        if (file) files.set(id, file);
      }
      return files;
    },
  };
}

function error(status: number, Code: string): Answer {
  return { status, body: { Code, Message: `${Code}, in words.` }, headers: { "X-Correlation-Id": `c-${Code}` } };
}
