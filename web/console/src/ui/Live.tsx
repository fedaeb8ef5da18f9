import { Tooltip } from "@mantine/core";
import { reason } from "../api/error";
import classes from "./Live.module.css";
import { absolute } from "./time";

interface Props {
  query: { error: Error | null; isError: boolean; dataUpdatedAt: number };
}

/** Whether what a page shows is up to date; where it is not, since when and why. */
export function Live({ query: { error, isError, dataUpdatedAt } }: Props) {
  if (dataUpdatedAt === 0) return null;
  const since = absolute(new Date(dataUpdatedAt).toISOString());
  const label = isError && error ? `As of ${since}. ${reason(error)}` : `It keeps itself up to date; last at ${since}.`;
  return (
    <Tooltip label={label} multiline maw={280}>
      <span className={classes.live} data-late={isError} role="status">
        {isError ? "Out of date" : "Live"}
      </span>
    </Tooltip>
  );
}
