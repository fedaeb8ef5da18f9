import { BetaErrorNotification, NotificationStack, ProofUploader } from "groundcrew-sdk/react";
import type { Upload } from "groundcrew-sdk/uploads";
import { useEffect, useMemo, useRef, useState } from "react";
import { Faults } from "./Faults";
import { type Fault, faulty } from "./faults";
import { Proofs } from "./Proofs";
import { useProofs } from "./proofs";
import { onReported, type Reported, reporter } from "./reporting";
import { type Customer, idToken } from "./session";
import { api } from "./settings";

const HOMEWORK = { homework_id: "homework-12", student_id: "student-7" };

interface Failure {
  id: number;
  upload: Upload;
  incident?: string;
}

/** One homework: what is to be done, the uploader, and what was handed in. */
export function Homework({ customer }: { customer: Customer }) {
  const [fault, setFault] = useState<Fault>("none");
  const [failures, setFailures] = useState<Failure[]>([]);
  const [proofs, look] = useProofs();
  const current = useRef<Fault>(fault);
  const transport = useMemo(() => faulty(() => current.current), []);

  const choose = (chosen: Fault) => {
    current.current = chosen;
    setFault(chosen);
  };
  const fail = (upload: Upload) => setFailures((known) => [...known, { id: Date.now(), upload }]);
  const close = (id: number) => setFailures((known) => known.filter((failure) => failure.id !== id));

  useEffect(() => onReported((reported) => setFailures((known) => known.map((one) => linked(one, reported)))), []);

  return (
    <div className="columns">
      <div className="column">
        <section className="card">
          <p className="eyebrow">Science · Year 4 · for Mia</p>
          <h1>Grow a bean</h1>
          <p>
            Film your bean plant for a few seconds each day this week, or take a photo. Show the whole plant and put a
            ruler beside it.
          </p>
          <ProofUploader
            endpoint={api}
            token={idToken}
            customer={customer}
            context={HOMEWORK}
            reporter={reporter}
            reportOptions={{ user_notified: true }}
            onUploaded={look}
            onFailed={fail}
            {...transport}
          />
        </section>
        <Proofs proofs={proofs} />
      </div>
      <Faults chosen={fault} onChoose={choose} />
      <NotificationStack>
        {failures.map(({ id, upload, incident }) => (
          <BetaErrorNotification
            key={id}
            errorType="Upload failed"
            message={`${upload.file.name}: ${upload.error?.message}`}
            severity={upload.error?.failure === "file" ? "LOW" : "HIGH"}
            details={facts(upload)}
            onClose={() => close(id)}
          >
            {incident && (
              <a href={`../console/incidents/${incident}`} target="_blank" rel="noreferrer">
                Open the incident
              </a>
            )}
          </BetaErrorNotification>
        ))}
      </NotificationStack>
    </div>
  );
}

function linked(failure: Failure, { file_name, error_message, incident_id }: Reported): Failure {
  const { file, error } = failure.upload;
  const same = file.name === file_name && error?.facts.detail === error_message;
  return same ? { ...failure, incident: incident_id } : failure;
}

function facts({ file, step, mediaId, error }: Upload) {
  const { detail, status, correlationId, tries } = error?.facts ?? {};
  return {
    File: file.name,
    Step: step,
    What: detail,
    Status: status,
    Tries: tries,
    Upload: mediaId,
    Request: correlationId,
  };
}
