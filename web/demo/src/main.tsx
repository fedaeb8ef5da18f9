import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { reporter } from "./reporting";
import "./style.css";

reporter.capture();
createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
