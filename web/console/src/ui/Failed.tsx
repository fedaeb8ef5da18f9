import { Button, Text } from "@mantine/core";
import { TriangleAlert } from "lucide-react";
import { ApiError, reason } from "../api/error";
import { Note } from "./Note";

interface Props {
  error: Error;
  retry: () => void;
  /** What could not be shown, such as `the incidents`. */
  what: string;
}

/** What stands in the place of something that the API did not give. */
export function Failed({ error, retry, what }: Props) {
  const correlationId = error instanceof ApiError ? error.correlationId : null;
  return (
    <Note
      title={`Could not read ${what}`}
      icon={<TriangleAlert size={24} color="var(--tone-orange)" aria-hidden />}
      actions={<Button onClick={retry}>Try again</Button>}
    >
      <span role="alert">{reason(error)}</span>
      {correlationId && (
        <Text fz="xs" mt={4}>
          Its log lines carry the correlation id <span className="mono">{correlationId}</span>.
        </Text>
      )}
    </Note>
  );
}
