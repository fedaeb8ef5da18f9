import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import type { Severity } from "../reporter";
import { Icon } from "./icons";
import { Style } from "./Style";
import { NOTIFICATION, PALETTE } from "./styles";

const COLOURS: Record<Severity, string> = {
  LOW: "var(--muted)",
  MEDIUM: "var(--warn)",
  HIGH: "var(--bad)",
  CRITICAL: "var(--bad)",
};

export interface BetaErrorNotificationProps {
  /** What kind of thing went wrong, in a few words: "Upload failed". */
  errorType: string;
  /** What happened and what to do, in a sentence. */
  message: string;
  /** From HIGH on a screen reader is interrupted. */
  severity?: Severity;
  /** Asked to go away; without it there is no way to close it. */
  onClose?: () => void;
  /** Whether there is a button that shows `details`. Default: where there are any. */
  showDetails?: boolean;
  /** What support will ask for. */
  details?: Record<string, ReactNode>;
  /** More to do than to close it: a link, a button. */
  children?: ReactNode;
}

/**
 * Tells a customer, at the bottom right, that something went wrong in a part that is still being tried out, and that their
 * data is safe. It stays until it is closed. Several go into a `NotificationStack`.
 */
export function BetaErrorNotification(props: BetaErrorNotificationProps) {
  const { errorType, message, severity = "MEDIUM", onClose, details = {}, children } = props;
  const facts = Object.entries(details).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const { showDetails = facts.length > 0 } = props;
  const [open, setOpen] = useState(false);
  const id = useId();
  const onKeyDown = ({ key }: KeyboardEvent) => key === "Escape" && onClose?.();

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms.
    <div
      className="gc gc-notification"
      style={{ "--severity": COLOURS[severity] } as object}
      role="group"
      aria-label={errorType}
      onKeyDown={onKeyDown}
    >
      <Style name="palette" css={PALETTE} />
      <Style name="notification" css={NOTIFICATION} />
      <div role={severity === "HIGH" || severity === "CRITICAL" ? "alert" : "status"}>
        <header>
          <span className="gc-badge">BETA</span>
          <strong>{errorType}</strong>
        </header>
        <p>{message}</p>
        <p className="gc-safe">
          <Icon name="shield" size={18} /> Your data is safe.
        </p>
      </div>
      {onClose && (
        <button type="button" className="gc-quiet gc-close" onClick={onClose} aria-label={`Close: ${errorType}`}>
          <Icon name="cross" size={18} />
        </button>
      )}
      <footer>
        {showDetails && (
          <button
            type="button"
            className="gc-quiet"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
          >
            {open ? "Hide details" : "Show details"} <Icon name="chevron" size={16} />
          </button>
        )}
        {children}
      </footer>
      {showDetails && open && (
        <dl id={id}>
          <dt>Severity</dt>
          <dd>{severity.toLowerCase()}</dd>
          {facts.map(([name, value]) => (
            <Fact key={name} name={name} value={value} />
          ))}
        </dl>
      )}
    </div>
  );
}

/** Where several notifications are shown, the newest at the bottom. */
export function NotificationStack({ children }: { children: ReactNode }) {
  return <div className="gc gc-stack">{children}</div>;
}

function Fact({ name, value }: { name: string; value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
