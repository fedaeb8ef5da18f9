import { CircleCheck, CircleDot, CircleDotDashed } from "lucide-react";
import type { ReactNode } from "react";
import type { IncidentSummary } from "../api/schema";
import { Mark, type Tone } from "../ui/Mark";

export type Severity = IncidentSummary["severity"];
export type Status = IncidentSummary["status"];

export const SEVERITIES = ["CRITICAL", "HIGH", "MEDIUM", "LOW"] as const satisfies readonly Severity[];
export const STATUSES = ["ACTIVE", "INVESTIGATING", "FIXED"] as const satisfies readonly Status[];

const TONES: Record<Severity, Tone> = { CRITICAL: "red", HIGH: "orange", MEDIUM: "yellow", LOW: "gray" };
const STATES: Record<Status, { tone: Tone; icon: ReactNode }> = {
  ACTIVE: { tone: "red", icon: <CircleDot size={14} /> },
  INVESTIGATING: { tone: "violet", icon: <CircleDotDashed size={14} /> },
  FIXED: { tone: "green", icon: <CircleCheck size={14} /> },
};

/** `INVESTIGATING` as people read it: `Investigating`. */
export function word(constant: string): string {
  return constant.charAt(0) + constant.slice(1).toLowerCase();
}

/** How bad an incident is: as many bars as it has degrees. */
export function SeverityMark({ severity }: { severity: Severity }) {
  return (
    <Mark tone={TONES[severity]} icon={<Degrees of={SEVERITIES.length - SEVERITIES.indexOf(severity)} />}>
      {word(severity)}
    </Mark>
  );
}

/** Where an incident is on its way to being fixed. */
export function StatusMark({ status }: { status: Status }) {
  const { tone, icon } = STATES[status];
  return (
    <Mark tone={tone} icon={icon}>
      {word(status)}
    </Mark>
  );
}

function Degrees({ of: degrees }: { of: number }) {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" fill="currentColor" aria-hidden="true">
      {SEVERITIES.map((severity, nth) => (
        <rect
          key={severity}
          x={nth * 3.5}
          y={9 - nth * 3}
          width="2.5"
          height={5 + nth * 3}
          rx="1"
          opacity={nth < degrees ? 1 : 0.22}
        />
      ))}
    </svg>
  );
}
