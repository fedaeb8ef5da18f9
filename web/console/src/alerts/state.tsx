import { BellOff, CircleAlert, CircleCheck, Clock, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { AlertView } from "../api/schema";
import { Mark, type Tone } from "../ui/Mark";

export type State = AlertView["state"];

export const STATES = ["pending", "sent", "partly", "failed", "suppressed"] as const satisfies readonly State[];

const SHOWN: Record<State, { tone: Tone; icon: ReactNode; word: string }> = {
  pending: { tone: "blue", icon: <Clock size={14} />, word: "On its way" },
  sent: { tone: "green", icon: <CircleCheck size={14} />, word: "Sent" },
  partly: { tone: "orange", icon: <TriangleAlert size={14} />, word: "Partly sent" },
  failed: { tone: "red", icon: <CircleAlert size={14} />, word: "Failed" },
  suppressed: { tone: "gray", icon: <BellOff size={14} />, word: "Held back" },
};

/** A state as people read it. */
export function stateWord(state: State): string {
  return SHOWN[state].word;
}

/** What became of an alert, or of one way of telling it. */
export function StateMark({ state }: { state: State }) {
  const { tone, icon, word } = SHOWN[state];
  return (
    <Mark tone={tone} icon={icon}>
      {word}
    </Mark>
  );
}
