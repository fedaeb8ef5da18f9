import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { BrowserRouter } from "react-router";
import { onReturn, retry, retryDelay } from "./api/polling";
import { Pages } from "./Pages";
import { Session } from "./session/Session";
import { basePath } from "./settings";
import { Broken } from "./shell/Broken";
import { theme } from "./theme";

const Notices = lazy(() => import("./shell/Notices"));

/** The console, from the theme down to the page that the URL names. */
export function App() {
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Broken>
        <Suspense>
          <Notices />
        </Suspense>
        <Session>
          <Read>
            <BrowserRouter basename={basePath(document)}>
              <Pages />
            </BrowserRouter>
          </Read>
        </Session>
      </Broken>
    </MantineProvider>
  );
}

/** Keeps what was read of the API for as long as somebody is signed in. */
function Read({ children }: { children: ReactNode }) {
  const [client] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          // What cannot be reached is said to be; nothing that was pressed waits to be sent when nobody looks any more.
          queries: {
            retry,
            retryDelay,
            refetchOnWindowFocus: onReturn,
            refetchOnReconnect: onReturn,
            staleTime: 5_000,
            gcTime: 600_000,
            networkMode: "always",
          },
          mutations: { networkMode: "always" },
        },
      }),
  );
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
