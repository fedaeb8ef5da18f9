import { JsonInput, type JsonInputProps } from "@mantine/core";

/** A JSON object of the caller's own, or nothing. */
export function JsonField(props: JsonInputProps) {
  return (
    <JsonInput
      description="A JSON object of your own; at most 8 KB."
      placeholder="{}"
      validationError="Write a JSON object, such as { &quot;room&quot;: 12 }."
      formatOnBlur
      autosize
      minRows={1}
      maxRows={10}
      {...props}
    />
  );
}
