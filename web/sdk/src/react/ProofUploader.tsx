import { type ChangeEvent, type DragEvent, useEffect, useId, useRef, useState } from "react";
import { inUnits, MOST_BYTES, typeOf } from "../uploads/checking";
import type { Upload, UploadOptions } from "../uploads/uploading";
import { Icon } from "./icons";
import { Style } from "./Style";
import { PALETTE, UPLOADER } from "./styles";
import { type ProofUpload, useProofUploads } from "./useProofUploads";

const ACCEPTED = "image/*,video/*,.heic,.heif,.mov,.mkv";

export interface ProofUploaderProps extends Omit<UploadOptions, "onChange" | "signal"> {
  onUploaded?: (upload: Upload) => void;
  onFailed?: (upload: Upload) => void;
}

/**
 * Photos and videos, chosen, dropped or taken with the phone's camera, are uploaded one after the other; each says how far it
 * is, can be cancelled, and says what to do when it failed.
 */
export function ProofUploader({ onUploaded, onFailed, ...options }: ProofUploaderProps) {
  const { uploads, add, retry, remove } = useProofUploads(options, { onUploaded, onFailed });
  const [over, setOver] = useState(false);
  const finished = uploads.filter(({ status }) => status === "uploaded").length;
  const failed = uploads.filter(({ status }) => status === "failed").length;

  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    add(event.dataTransfer.files);
  };
  const onDragOver = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  const onDragLeave = ({ currentTarget, relatedTarget }: DragEvent) =>
    setOver(currentTarget.contains(relatedTarget as Node | null));

  return (
    <div className="gc gc-uploader">
      <Style name="palette" css={PALETTE} />
      <Style name="uploader" css={UPLOADER} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is for the mouse; the buttons do the same. */}
      <div
        className="gc-drop"
        data-over={over || undefined}
        onDrop={onDrop}
        onDragOver={onDragOver}
        onDragLeave={onDragLeave}
      >
        <Icon name="upload" size={32} />
        <b>Add photos or videos</b>
        <small>
          <span className="gc-hint">Drop them here, or choose them. </span>
          Up to {inUnits(options.mostBytes ?? MOST_BYTES)} each.
        </small>
        <div className="gc-choices">
          <Choice label="Choose files" icon="photo" accept={ACCEPTED} multiple main onFiles={add} />
          <span className="gc-camera">
            <Choice label="Take a photo" icon="camera" accept="image/*" capture onFiles={add} />
            <Choice label="Record a video" icon="film" accept="video/*" capture onFiles={add} />
          </span>
        </div>
      </div>
      <p className="gc-unseen" role="status">
        {uploads.length > 0 && `${finished} of ${uploads.length} uploaded${failed > 0 ? `, ${failed} failed` : ""}.`}
      </p>
      {uploads.length > 0 && (
        <ul className="gc-files" aria-label="Chosen files">
          {uploads.map((upload) => (
            <Row key={upload.id} upload={upload} onRetry={() => retry(upload.id)} onRemove={() => remove(upload.id)} />
          ))}
        </ul>
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  icon: "photo" | "camera" | "film";
  accept: string;
  multiple?: boolean;
  capture?: boolean;
  main?: boolean;
  onFiles: (files: File[]) => void;
}

function Choice({ label, icon, accept, multiple = false, capture = false, main = false, onFiles }: ChoiceProps) {
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const onChange = ({ target }: ChangeEvent<HTMLInputElement>) => {
    onFiles([...(target.files ?? [])]);
    // The same file may be chosen again.
    target.value = "";
  };
  return (
    <>
      <input
        ref={input}
        id={id}
        className="gc-unseen"
        type="file"
        accept={accept}
        multiple={multiple}
        {...(capture && { capture: "environment" })}
        onChange={onChange}
      />
      <label htmlFor={id} className={`gc-choice${main ? " gc-main" : ""}`}>
        <Icon name={icon} /> {label}
      </label>
    </>
  );
}

interface RowProps {
  upload: ProofUpload;
  onRetry: () => void;
  onRemove: () => void;
}

function Row({ upload, onRetry, onRemove }: RowProps) {
  const { file, status, step, sentBytes } = upload;
  const done = file.size > 0 ? sentBytes / file.size : 0;
  const under = status === "uploading";
  return (
    <li>
      <Thumbnail file={file} />
      <span className="gc-name" title={file.name}>
        {file.name}
      </span>
      <span className="gc-state" data-status={status}>
        {inWords(upload)}
      </span>
      <span className="gc-acts">
        {status === "failed" && upload.error?.failure !== "file" && (
          <button type="button" className="gc-quiet" onClick={onRetry} aria-label={`Retry ${file.name}`}>
            <Icon name="retry" size={18} /> <span>Retry</span>
          </button>
        )}
        {status === "uploaded" ? (
          <span className="gc-quiet gc-state" data-status="uploaded">
            <Icon name="check" size={22} />
          </span>
        ) : (
          <button
            type="button"
            className="gc-quiet"
            onClick={onRemove}
            aria-label={`${under ? "Cancel" : "Remove"} ${file.name}`}
          >
            <Icon name="cross" size={18} />
          </button>
        )}
      </span>
      {under && (
        <span
          className="gc-bar"
          role="progressbar"
          aria-label={`Upload of ${file.name}`}
          aria-valuenow={Math.round(done * 100)}
          aria-valuemin={0}
          aria-valuemax={100}
          data-finishing={step === "complete" || undefined}
        >
          <i style={{ transform: `scaleX(${done})` }} />
        </span>
      )}
    </li>
  );
}

function inWords({ status, step, sentBytes, file, error, trouble }: ProofUpload): string {
  if (status === "uploading" && trouble) return "Trouble with the connection. Trying again…";
  if (status === "failed") return error?.message ?? "This could not be uploaded.";
  if (status === "waiting") return `Waiting · ${inUnits(file.size)}`;
  if (status === "cancelled") return "Cancelled";
  if (status === "uploaded") return `Uploaded · ${inUnits(file.size)}`;
  if (step === "send") return `${inUnits(sentBytes)} of ${inUnits(file.size)}`;
  return step === "complete" ? "Finishing…" : "Preparing…";
}

function Thumbnail({ file }: { file: File }) {
  const [url, setUrl] = useState<string>();
  const [shown, setShown] = useState(true);
  const type = typeOf(file);
  const kind = type.startsWith("video/") ? "video" : "image";
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  // What the browser cannot decode, HEIC for one, is shown as a drawing.
  const onError = () => setShown(false);
  if (!shown || !url || !/^(image|video)/.test(type)) {
    return (
      <span className="gc-thumb">
        <Icon name={kind === "video" ? "film" : "photo"} size={24} />
      </span>
    );
  }
  return kind === "video" ? (
    <video
      className="gc-thumb"
      src={`${url}#t=0.1`}
      muted
      playsInline
      preload="metadata"
      onError={onError}
      aria-hidden
    />
  ) : (
    <img className="gc-thumb" src={url} alt="" onError={onError} />
  );
}
