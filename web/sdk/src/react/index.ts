/** React components over the reporter and the uploads. */
export { BetaErrorNotification, type BetaErrorNotificationProps, NotificationStack } from "./BetaErrorNotification";
export { ProofUploader, type ProofUploaderProps } from "./ProofUploader";
export { type ProofUpload, type ProofUploads, useProofUploads } from "./useProofUploads";
