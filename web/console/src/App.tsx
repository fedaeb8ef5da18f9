import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { BrowserRouter } from "react-router";
import { retry, retryDelay } from "./api/polling";
import { Pages } from "./Pages";
import { Session } from "./session/Session";
import { basePath } from "./settings";
import { Broken } from "./shell/Broken";
import { theme } from "./theme";

/** The console, from the theme down to the page that the URL names. */
export function App() {
  const [client] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry, retryDelay, staleTime: 5_000, gcTime: 600_000 } } }),
  );
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" limit={4} />
      <Broken>
        <Session>
          <QueryClientProvider client={client}>
            <BrowserRouter basename={basePath(document)}>
              <Pages />
            </BrowserRouter>
          </QueryClientProvider>
        </Session>
      </Broken>
    </MantineProvider>
  );
}
