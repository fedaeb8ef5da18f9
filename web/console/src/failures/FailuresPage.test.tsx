import { act, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";
import { draw, ok, refusal, stubApi } from "../testing-page";
import FailuresPage from "./FailuresPage";

const WINDOW = { since: "2026-11-21T09:00:00Z", until: "2026-11-22T08:15:00Z", hours: 24 };
const PAY = { endpoint: "POST /pay", requests: 200, failures: 25, failure_rate: 0.125 };
const OVERVIEW = {
  ...WINDOW,
  events: 3400,
  errors: 34,
  failure_rate: 0.01,
  affected_users: 7,
  items: [{ hour: "2026-11-22T08:00:00Z", events: 3400, errors: 34 }],
  endpoints: [PAY, { endpoint: "GET /", requests: 9, failures: 0, failure_rate: 0 }],
  top_errors: [{ event: "pay.failed", severity: "CRITICAL", count: 30 }],
};
const TIMES = { mean_duration_ms: 80, p50_ms: 70, p95_ms: 300.4, p99_ms: 1530 };

beforeEach(() => {
  // jsdom does not know the element `search`, and React says so; whatever else it says is a fault.
  vi.spyOn(console, "error").mockImplementation((message, ...said) => {
    if (!String(message).includes("unrecognized in this browser")) throw new Error([message, ...said].join(" "));
  });
});

const press = (name: string) => act(() => screen.getByText<HTMLElement>(name).click());

it("leads from what fails most to its report, narrowed, and on to all of them", async () => {
  stubApi({
    "GET /analytics/overview": () => ok(OVERVIEW),
    "GET /analytics/endpoints": () => ok({ ...WINDOW, items: [{ ...PAY, ...TIMES }] }),
  });
  draw(<FailuresPage />);
  await screen.findByText("3.4K");
  screen.getByLabelText(/^Errors per hour: 34 from/);
  // What never failed is not among what fails.
  expect(screen.queryByText("GET /")).toBeNull();

  press("POST /pay");
  await screen.findByText("300 ms");
  expect(screen.queryByRole("link", { name: "POST /pay" })).toBeNull();
  expect(screen.getByText("Users affected").getAttribute("href")).toBe("/?view=users&dimension=POST+%2Fpay");
  act(() => screen.getByLabelText("Show all").click());
  const row = await screen.findByRole("link", { name: "POST /pay" });
  expect(row.getAttribute("href")).toBe("/failures?view=endpoints&dimension=POST+%2Fpay");
});

it("says how a report that is empty fills, and what went wrong where one cannot be read", async () => {
  stubApi({
    "GET /analytics/overview": () => refusal(400, "InvalidRequest", "hours must be at most 2160."),
    "GET /analytics/trials": () => ok({ ...WINDOW, items: [] }),
  });
  draw(<FailuresPage />);
  await screen.findByText("hours must be at most 2160.");
  press("Trials");
  await screen.findByText("trial_type");
});
