import { BetaErrorNotification, NotificationStack, ProofUploader } from "groundcrew-sdk/react";
import type { Upload } from "groundcrew-sdk/uploads";
import { useState } from "react";
import { reporter } from "./report";

export function Homework({ token }: { token: string }) {
  const [failed, setFailed] = useState<Upload[]>([]);
  return (
    <>
      <ProofUploader
        endpoint="https://api.example.com/prod"
        token={() => token}
        customer={{ id: 68, name: "Cleo Customer" }}
        context={{ student_id: "student-7", homework_id: "homework-12" }}
        reporter={reporter}
        onFailed={(upload) => setFailed((known) => [...known, upload])}
      />
      <NotificationStack>
        {failed.map((upload) => (
          <BetaErrorNotification
            key={`${upload.file.name} ${upload.mediaId}`}
            errorType="Upload failed"
            message={`${upload.file.name}: ${upload.error?.message}`}
            severity="HIGH"
            details={{ Step: upload.step, What: upload.error?.facts.detail }}
            onClose={() => setFailed((known) => known.filter((other) => other !== upload))}
          />
        ))}
      </NotificationStack>
    </>
  );
}
