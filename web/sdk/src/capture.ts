/** What is reported of an error that nobody caught. */
export type Caught = (error: unknown, handledBy: "error" | "unhandledrejection") => void;

/** Listen to errors and rejections that nobody caught, until the function returned is called. */
export function listen(caught: Caught): () => void {
  const onError = ({ error, message, filename, lineno }: ErrorEvent) => {
    // Of another origin's script browsers tell nothing.
    if (error || filename) caught(error ?? `${message} (${filename}:${lineno})`, "error");
  };
  const onRejection = ({ reason }: PromiseRejectionEvent) => caught(reason, "unhandledrejection");
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onRejection);
  return () => {
    removeEventListener("error", onError);
    removeEventListener("unhandledrejection", onRejection);
  };
}
