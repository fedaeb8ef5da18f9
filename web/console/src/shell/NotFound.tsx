import { Button } from "@mantine/core";
import { Link } from "react-router";
import { Note } from "../ui/Note";
import { Page } from "../ui/Page";

/** What an address shows that is none of ours. */
export function NotFound() {
  return (
    <Page title="Not found">
      <Note
        title="There is no such page"
        actions={
          <Button component={Link} to="/incidents">
            Go to incidents
          </Button>
        }
      >
        The address may be mistyped, or belong to another version of the console.
      </Note>
    </Page>
  );
}
