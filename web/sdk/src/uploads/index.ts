/** Upload homework proofs, each file on its own, and report every failure. */
export { MOST_BYTES } from "./checking";
export { UploadError, type UploadFacts, type UploadFailure, type UploadStep } from "./errors";
export { type Upload, type UploadOptions, uploadProof, uploadProofs } from "./uploading";
