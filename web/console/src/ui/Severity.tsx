import { Info, OctagonAlert, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Kept } from "../api/schema";
import { Mark, type Tone } from "./Mark";

export type Severity = Kept["severity"];

/** How bad an event or an alert is, the worst first. */
export const SEVERITIES = ["CRITICAL", "WARNING", "INFO"] as const satisfies readonly Severity[];

const STATES: Record<Severity, { tone: Tone; icon: ReactNode; word: string }> = {
  CRITICAL: { tone: "red", icon: <OctagonAlert size={14} />, word: "Critical" },
  WARNING: { tone: "orange", icon: <TriangleAlert size={14} />, word: "Warning" },
  INFO: { tone: "gray", icon: <Info size={14} />, word: "Info" },
};

/** The severities as a choice has them, with none of them first. */
export const SEVERITY_CHOICE = [
  { value: "", label: "Any severity" },
  ...SEVERITIES.map((value) => ({ value, label: STATES[value].word })),
];

/** How bad it is, of what an API tells as text; a word that there is not is shown as it is. */
export function SeverityMark({ severity }: { severity: string }) {
  const { tone, icon, word } = STATES[SEVERITIES.find((each) => each === severity) ?? "INFO"];
  return (
    <Mark tone={tone} icon={icon}>
      {word}
    </Mark>
  );
}
