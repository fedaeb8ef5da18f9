import type { Proof } from "./proofs";

const WORDS: Record<Proof["status"], string> = {
  awaiting_upload: "Uploading",
  uploaded: "Received",
  scheduled: "Received",
  processing: "Being prepared…",
  ready: "Ready",
  failed: "Kept as it is",
};

/** What was handed in, as the teacher will see it. */
export function Proofs({ proofs }: { proofs: Proof[] | undefined }) {
  return (
    <section className="card">
      <h2>Handed in</h2>
      {proofs?.length === 0 && <p className="aside">Nothing yet. What you upload appears here.</p>}
      <ul className="proofs">
        {proofs?.map((proof) => (
          <li key={proof.media_id} data-status={proof.status}>
            <Picture proof={proof} />
            <span className="name" title={proof.file_name}>
              {proof.file_name}
            </span>
            <span className="state" title={proof.error ?? proof.note ?? undefined}>
              {WORDS[proof.status]}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Picture({ proof }: { proof: Proof }) {
  const { url } = proof.variants.find(({ name }) => name === "thumbnail" || name === "poster") ?? {};
  const video = proof.variants.find(({ name }) => name === "video");
  const full = video ?? proof.variants.find(({ name }) => name === "photo");
  if (!url) return <span className="picture" />;
  return (
    <a className="picture" href={full?.url ?? url} target="_blank" rel="noreferrer" data-video={video && true}>
      <img src={url} alt={`Open ${proof.file_name}`} loading="lazy" />
    </a>
  );
}
