import { uploadProofs } from "groundcrew-sdk/uploads";
import { reporter } from "./report";

export async function handIn(files: FileList, token: string, signal: AbortSignal): Promise<string[]> {
  const uploads = await uploadProofs(files, {
    endpoint: "https://api.example.com/prod",
    token: () => token,
    customer: { id: 68, name: "Cleo Customer" },
    context: { student_id: "student-7", homework_id: "homework-12" },
    reporter,
    signal,
    onChange: ({ file, status, sentBytes }) => console.log(file.name, status, sentBytes / file.size),
  });
  // Never rejects: each file says how it ended, in a sentence for the customer where it failed.
  return uploads
    .filter(({ status }) => status === "failed")
    .map(({ file, error }) => `${file.name}: ${error?.message}`);
}
