import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { Note } from "../ui/Note";

/** Shows its children, or says that they broke. It tries again when it is given another key. */
export class Broken extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Note
        title={isOutdated(error) ? "There is a new version of the console" : "This page broke"}
        actions={<Button onClick={() => location.reload()}>Reload</Button>}
      >
        {isOutdated(error)
          ? "Reload to go on with it. What you have saved is kept."
          : `Reload to try again. If it breaks again, report this: ${error}`}
      </Note>
    );
  }
}

/** Whether a part of the page could not be loaded: a deploy has replaced the version that this page is of. */
function isOutdated(error: unknown): boolean {
  return error instanceof TypeError && /import|module script/i.test(error.message);
}
