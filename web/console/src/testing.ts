import { notifications } from "@mantine/notifications";
import { cleanup } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// What every test finds: a page as the server fills it in, in a browser that knows what jsdom does not.
document.head.innerHTML = `
  <base href="http://localhost:3000/console/">
  <script type="application/json" id="settings">${JSON.stringify({
    api: "",
    issuer: "https://issuer.example",
    client_id: "groundcrew",
    groups_claim: "cognito:groups",
    logout_url: null,
    version: "1.0.0",
    stage: "local",
  })}</script>`;
window.matchMedia = (media) => Object.assign(new EventTarget(), { media, matches: false }) as unknown as MediaQueryList;
// Nothing has a size there, so none changes.
window.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

// Files share the page, and nothing of one is for the next.
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  notifications.cleanQueue();
  notifications.clean();
  sessionStorage.clear();
  history.replaceState(null, "", "/");
});
