import { type ReactNode, useState } from "react";
import { Copy } from "./Copy";
import classes from "./JsonTree.module.css";
import { type Json, members, openTo, preview } from "./json";

const SHOWN = 100;
const LONG = 400;

/** JSON, to be read: what is large opens when it is asked for. */
export function JsonTree({ value }: { value: Json }) {
  return (
    <div className={classes.tree}>
      <Copy text={() => JSON.stringify(value, null, 2)} label="Copy JSON" className={classes.copy ?? ""} />
      <Branches value={value} depth={openTo(value)} />
    </div>
  );
}

function Branches({ value, depth }: { value: Json; depth: number }) {
  const [most, setMost] = useState(SHOWN);
  const found = members(value);
  if (!found) return <Leaf value={value} />;
  if (found.length === 0) return <span className="dim">{preview(value)}</span>;
  return (
    <ul className={classes.branches}>
      {found.slice(0, most).map(([name, each]) => (
        <li key={name}>
          <Branch name={name} value={each} depth={depth - 1} />
        </li>
      ))}
      {found.length > most && (
        <li>
          <More onClick={() => setMost(most + 10 * SHOWN)}>{found.length - most} more</More>
        </li>
      )}
    </ul>
  );
}

function Branch({ name, value, depth }: { name: string; value: Json; depth: number }) {
  const [open, setOpen] = useState(depth > 0);
  const key = <span className={classes.key}>{name}: </span>;
  if (!members(value)?.length) {
    return (
      <div className={classes.line}>
        {key}
        <Leaf value={value} />
      </div>
    );
  }
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className={classes.summary}>
        {key}
        {!open && <span className="dim">{preview(value)}</span>}
      </summary>
      {open && <Branches value={value} depth={depth} />}
    </details>
  );
}

function Leaf({ value }: { value: Json }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return <span className={classes.literal}>{preview(value)}</span>;
  const cut = !whole && value.length > LONG;
  return (
    <span className={classes.text}>
      {cut ? `${value.slice(0, LONG)}…` : value}
      {cut && <More onClick={() => setWhole(true)}>{value.length - LONG} more characters</More>}
    </span>
  );
}

function More({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className={classes.more} onClick={onClick}>
      {children}
    </button>
  );
}
