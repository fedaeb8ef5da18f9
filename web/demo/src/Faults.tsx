import { FAULTS, type Fault } from "./faults";

/** The switches that make uploads fail. */
export function Faults({ chosen, onChoose }: { chosen: Fault; onChoose: (fault: Fault) => void }) {
  return (
    <details className="card faults" open={matchMedia("(min-width: 900px)").matches}>
      <summary>
        <span>Make it fail</span>
        <span className="badge" data-on={chosen !== "none" || undefined}>
          {chosen === "none" ? "off" : FAULTS[chosen][0]}
        </span>
      </summary>
      <p className="aside">
        Choose what goes wrong, then upload something. Each failure is reported, and becomes an incident in the{" "}
        <a href="../console/incidents" target="_blank" rel="noreferrer">
          console
        </a>
        .
      </p>
      <fieldset>
        <legend className="unseen">What goes wrong</legend>
        {Object.entries(FAULTS).map(([fault, [name, what]]) => (
          <label key={fault}>
            <input
              type="radio"
              name="fault"
              value={fault}
              checked={fault === chosen}
              onChange={() => onChoose(fault as Fault)}
            />
            <span>
              <b>{name}</b>
              <small>{what}</small>
            </span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}
