import { createReporter } from "groundcrew-sdk";

export const reporter = createReporter({
  endpoint: "https://api.example.com/prod",
  key: "c0ffee00c0ffee00c0ffee00c0ffee00",
  environment: "prod",
  release: "shop@1.4.2",
  // Asked for with each report.
  context: () => ({ user_id: sessionStorage.getItem("user") ?? undefined, route_name: "/menu/:id" }),
});

// Errors and rejections that nobody catches.
reporter.capture();

// Something that went wrong in words of your own; equal ones become one incident with a count.
reporter.report(
  "coupon_ignored",
  { coupon: "SPRING", error_message: "The coupon changed nothing" },
  { severity: "LOW" },
);

// A request that failed: its status, the backend's error body, the correlation id. The body stays yours to read.
export async function loadMenu(id: string): Promise<unknown> {
  try {
    const response = await fetch(`/menus/${id}`);
    if (!response.ok) reporter.reportFailedRequest(response);
    return await response.json();
  } catch (error) {
    reporter.reportFailedRequest(error, { url: `/menus/${id}` });
    throw error;
  }
}
