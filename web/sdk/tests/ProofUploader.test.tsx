// @vitest-environment jsdom
import { cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ProofUploader, type ProofUploaderProps } from "../src/react";

configure({ asyncUtilTimeout: 10_000 });

/** Requests that the test answers itself, in the order in which they were made. */
interface Sent {
  end(status: number): void;
  progress(loaded: number): void;
  aborted: boolean;
}

let sent: Sent[];

class Request {
  upload: { onprogress?: (event: object) => void } = {};
  onload?: () => void;
  status = 0;
  responseText = "";
  private own: Sent | undefined;
  open() {
    const end = (status: number) => {
      this.status = status;
      this.onload?.();
    };
    const progress = (loaded: number) => this.upload.onprogress?.({ loaded });
    this.own = { end, progress, aborted: false };
  }
  setRequestHeader() {}
  send() {
    sent.push(this.own as Sent);
  }
  abort() {
    if (this.own) this.own.aborted = true;
  }
}

beforeEach(() => {
  sent = [];
  URL.createObjectURL = () => "blob:x";
  URL.revokeObjectURL = () => {};
  Blob.prototype.arrayBuffer ??= async () => new ArrayBuffer(1);
});

afterEach(() => {
  cleanup();
  localStorage.clear();
});

function show(own: Partial<ProofUploaderProps> = {}) {
  const upload = { kind: "single", url: "/store", headers: {} };
  const api: typeof fetch = async () => Response.json({ media_id: "m", upload });
  const report = vi.fn();
  const told = { onUploaded: vi.fn(), onFailed: vi.fn() };
  const { container } = render(
    <ProofUploader
      endpoint="/api"
      token={() => "t"}
      reporter={{ report }}
      fetch={api}
      XMLHttpRequest={Request as never}
      {...told}
      {...own}
    />,
  );
  return { ...told, report, drop: container.querySelector(".gc-drop") as Element };
}

const file = (name: string, type = "image/png") => new File(["x".repeat(2_000)], name, { type });
const choose = (...files: File[]) => userEvent.upload(screen.getByLabelText("Choose files"), files);
const row = (name: string) => within(screen.getByText(name).closest("li") as HTMLElement);
const underWay = (count: number) => waitFor(() => expect(sent).toHaveLength(count));

it("uploads what was chosen, one after the other, and says how far each is", async () => {
  const { onUploaded } = show();
  await choose(file("a.png"), file("b.png"));
  await underWay(1);
  expect(row("b.png").getByText(/Waiting/)).toBeTruthy();
  sent[0]?.progress(1_000);
  await row("a.png").findByText("1 KB of 2 KB");
  expect(row("a.png").getByRole("progressbar").getAttribute("aria-valuenow")).toBe("50");
  sent[0]?.end(200);
  await underWay(2);
  sent[1]?.end(200);
  await row("b.png").findByText(/Uploaded/);
  expect(screen.getByRole("status").textContent).toBe("2 of 2 uploaded.");
  expect(onUploaded.mock.calls.map(([upload]) => upload.file.name)).toEqual(["a.png", "b.png"]);
  expect(row("a.png").queryByRole("button")).toBeNull();
});

it("says why one failed, goes on with the next, and retries on request", async () => {
  const { onFailed, report } = show();
  await choose(file("a.png"), file("b.png"));
  await underWay(1);
  sent[0]?.end(400);
  await row("a.png").findByText(/did not take this file/);
  expect(onFailed).toHaveBeenCalledTimes(1);
  expect(report).toHaveBeenCalledWith(
    "homework_proof",
    expect.objectContaining({ file_name: "a.png" }),
    expect.anything(),
  );
  await underWay(2);
  sent[1]?.end(200);
  await waitFor(() => expect(screen.getByRole("status").textContent).toBe("1 of 2 uploaded, 1 failed."));
  await userEvent.click(row("a.png").getByRole("button", { name: "Retry a.png" }));
  await underWay(3);
  sent[2]?.end(200);
  await row("a.png").findByText(/Uploaded/);
});

it("cancels one under way, and goes on with the next", async () => {
  const { report } = show();
  await choose(file("a.png"), file("b.png"));
  await underWay(1);
  await userEvent.click(row("a.png").getByRole("button", { name: "Cancel a.png" }));
  expect(screen.queryByText("a.png")).toBeNull();
  await underWay(2);
  expect(sent[0]?.aborted).toBe(true);
  expect(report).not.toHaveBeenCalled();
});

it("forgets one that waits", async () => {
  show();
  await choose(file("a.png"), file("b.png"));
  await underWay(1);
  await userEvent.click(row("b.png").getByRole("button", { name: "Remove b.png" }));
  sent[0]?.end(200);
  await row("a.png").findByText(/Uploaded/);
  expect(sent).toHaveLength(1);
});

it("takes what is dropped, and says of the wrong type what is wrong", async () => {
  const { drop } = show();
  fireEvent.dragOver(drop, { dataTransfer: { files: [] } });
  expect(drop.hasAttribute("data-over")).toBe(true);
  fireEvent.drop(drop, { dataTransfer: { files: [file("a.pdf", "application/pdf")] } });
  expect(drop.hasAttribute("data-over")).toBe(false);
  await row("a.pdf").findByText(/neither a photo nor a video/);
  expect(row("a.pdf").queryByRole("button", { name: /Retry/ })).toBeNull();
  await userEvent.click(row("a.pdf").getByRole("button", { name: "Remove a.pdf" }));
  expect(screen.queryByRole("list")).toBeNull();
});

it("lets phones take photos and videos", () => {
  show();
  expect(screen.getByLabelText("Take a photo").getAttribute("capture")).toBe("environment");
  expect(screen.getByLabelText("Record a video").getAttribute("accept")).toBe("video/*");
});
