import type { RuleView } from "../api/schema";

/** A rule of an operator's, but for what is said of it. */
export function rule(said: Partial<RuleView> = {}): RuleView {
  return {
    rule_id: "r-1",
    name: "Checkout breaks",
    enabled: true,
    on: ["new_incident", "regression"],
    match: { key: "checkout.*", severity: "CRITICAL", environment: null, project_id: null },
    threshold: 1,
    window_minutes: 5,
    suppress_minutes: 60,
    digest: null,
    channels: [
      { type: "email", to: ["ops@shop.example"] },
      { type: "webhook", url: "https://hooks.shop.example/…beef", secrets: ["…cafe"] },
    ],
    created_at: "2026-11-22T08:15:00.000Z",
    updated_at: "2026-11-22T08:15:00.000Z",
    ...said,
  };
}
