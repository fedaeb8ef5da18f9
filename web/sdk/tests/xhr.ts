import { type ClientRequest, request } from "node:http";

/** As much of a browser's XMLHttpRequest as an upload uses, over real connections. */
class NodeRequest {
  upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  status = 0;
  responseText = "";
  private sent: ClientRequest | undefined;
  private address: [method: string, url: string] = ["", ""];
  private headers: Record<string, string> = {};
  private aborted = false;

  open(method: string, url: string): void {
    this.address = [method, url];
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }

  async send(body: Blob): Promise<void> {
    const [method, url] = this.address;
    const bytes = Buffer.from(await body.arrayBuffer());
    if (this.aborted) return;
    this.sent = request(url, { method, headers: { ...this.headers, "Content-Length": bytes.length } });
    this.sent.on("error", () => this.aborted || this.onerror?.());
    this.sent.on("response", async (response) => {
      this.status = response.statusCode ?? 0;
      for await (const chunk of response) this.responseText += chunk;
      this.onload?.();
    });
    this.sent.end(bytes, () => this.upload.onprogress?.({ loaded: bytes.length, total: bytes.length }));
  }

  abort(): void {
    this.aborted = true;
    this.sent?.destroy();
  }
}

export const NodeXMLHttpRequest = NodeRequest as unknown as typeof XMLHttpRequest;
