import { useState } from "react";
import { Copy } from "../ui/Copy";
import { Section } from "../ui/Facts";
import { JsonTree } from "../ui/JsonTree";
import { Tag } from "../ui/Mark";
import { exceptionsOf, type Frame, linesOf, type Raised } from "./description";
import type { Report } from "./Report";
import classes from "./Stack.module.css";

/** Where it failed: exceptions with their frames where an SDK sent them, else the stack as text. */
export function Stack({ report }: { report: Report }) {
  const raised = exceptionsOf(report.description);
  const stack = report.stack_trace;
  if (raised.length === 0 && !stack) return null;
  return (
    <Section title="Stack" aside={stack && <Copy text={() => stack} label="Copy stack" />}>
      {raised.length > 0
        ? raised.map((each, nth) => <Exception key={each.nth} raised={each} cause={nth > 0} />)
        : stack && <Text stack={stack} />}
    </Section>
  );
}

function Exception({ raised, cause }: { raised: Raised; cause: boolean }) {
  return (
    <div className={classes.exception}>
      {(raised.type || raised.value) && (
        <p className={classes.headline}>
          {cause && <span className="dim">Caused by </span>}
          <strong>{raised.type}</strong>
          {raised.value && `${raised.type ? ": " : ""}${raised.value}`}{" "}
          {raised.handled === false && <Tag tone="red">Unhandled</Tag>}
        </p>
      )}
      <ol className={classes.frames}>
        {runs(raised.frames).map((run) =>
          run[0]?.inApp ? (
            run.map((frame) => <OwnFrame key={frame.nth} frame={frame} open={!cause} />)
          ) : (
            <LibraryFrames key={run[0]?.nth} frames={run} open={run.length === raised.frames.length} />
          ),
        )}
      </ol>
      {raised.framesLeftOut > 0 && <p className={classes.leftOut}>{raised.framesLeftOut} more frames were not kept.</p>}
    </div>
  );
}

function OwnFrame({ frame, open }: { frame: Frame; open: boolean }) {
  const more = frame.source.length > 0 || frame.variables;
  if (!more) return <li className={classes.own}>{<Where frame={frame} />}</li>;
  return (
    <li className={classes.own}>
      <details open={open}>
        <summary>
          <Where frame={frame} />
        </summary>
        {frame.source.length > 0 && (
          <pre className={classes.source}>
            {frame.source.map(({ number, text, here }) => (
              <code key={number} data-here={here}>
                <span className={classes.number}>{number}</span>
                {text || " "}
              </code>
            ))}
          </pre>
        )}
        {frame.variables && (
          <div className={classes.variables}>
            <JsonTree value={frame.variables} />
          </div>
        )}
      </details>
    </li>
  );
}

function LibraryFrames({ frames, open }: { frames: Frame[]; open: boolean }) {
  const [shown, setShown] = useState(open || frames.length === 1);
  if (shown) {
    return frames.map((frame) => (
      <li key={frame.nth} className={classes.library}>
        <Where frame={frame} />
      </li>
    ));
  }
  return (
    <li>
      <button type="button" className={classes.unfold} onClick={() => setShown(true)}>
        {frames.length} frames of libraries
      </button>
    </li>
  );
}

function Where({ frame }: { frame: Frame }) {
  return (
    <span className={classes.where}>
      <span className={classes.function}>{frame.function ?? "anonymous"}</span>{" "}
      <span className={classes.place}>{frame.place}</span>
    </span>
  );
}

function Text({ stack }: { stack: string }) {
  return (
    <pre className={classes.text}>
      {linesOf(stack).map(({ nth, text, library }) => (
        <code key={nth} data-library={library}>
          {text || " "}
        </code>
      ))}
    </pre>
  );
}

/** The frames in runs of the application's own and of libraries'. */
function runs(frames: readonly Frame[]): Frame[][] {
  const found: Frame[][] = [];
  for (const frame of frames) {
    const last = found.at(-1);
    if (last?.[0]?.inApp === frame.inApp) last.push(frame);
    else found.push([frame]);
  }
  return found;
}
