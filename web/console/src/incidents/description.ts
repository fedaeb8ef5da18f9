import { type Json, words } from "../ui/json";

type Fields = { readonly [name: string]: Json };

/** A frame of a stack, as far as its SDK says it. */
export interface Frame {
  /** Its place in the stack as it was sent. */
  nth: number;
  function: string | null;
  place: string;
  inApp: boolean;
  /** Its line of source between those around it, with their numbers; empty where the SDK sent none. */
  source: { number: number; text: string; here: boolean }[];
  variables: Fields | null;
}

/** An exception, or a message that has a stack. */
export interface Raised {
  /** Its place among the exceptions as they were sent. */
  nth: number;
  type: string | null;
  value: string | null;
  handled: boolean | null;
  /** The innermost first: what was running stands on top. */
  frames: Frame[];
  framesLeftOut: number;
}

export interface Breadcrumb {
  nth: number;
  at: string | null;
  category: string;
  level: string;
  message: string | null;
  data: Fields | null;
}

// What the page shows in a form of its own; all else of a description is shown as it is.
const SHOWN = ["exceptions", "stack", "breadcrumbs", "request", "user", "tags", "contexts", "error_message", "message"];
const LIBRARY =
  /(?:^|\/)(?:site-packages|dist-packages|node_modules|python3\.\d+|gems|go\/pkg\/mod)\/|^(?:node:|internal\/|<frozen )/;
// The same in a line of text, where the file stands somewhere.
const LIBRARY_LINE =
  /\/(?:site-packages|dist-packages|node_modules|python3\.\d+|gems|go\/pkg\/mod)\/|[\s("](?:node:|internal\/|<frozen )/;

/** The exceptions of an event, the outermost first: each was caused by the next. */
export function exceptionsOf(description: Fields): Raised[] {
  const raised = list(description.exceptions).map(fields).map(raisedOf).reverse();
  if (raised.length > 0) return raised;
  const frames = list(description.stack);
  return frames.length > 0 ? [raisedOf({ frames }, 0)] : [];
}

/** The breadcrumbs of an event, the oldest first. */
export function breadcrumbsOf(description: Fields): Breadcrumb[] {
  return list(description.breadcrumbs)
    .map(fields)
    .map((crumb, nth) => ({
      nth,
      at: text(crumb.timestamp),
      category: text(crumb.category) ?? text(crumb.type) ?? "default",
      level: text(crumb.level) ?? "info",
      message: text(crumb.message),
      data: nonEmpty(crumb.data),
    }));
}

/** A part of a description that is an object with something in it. */
export function partOf(description: Fields, name: "request" | "user" | "tags" | "contexts"): Fields | null {
  return nonEmpty(description[name]);
}

/** What a description says besides what has a form of its own. */
export function restOf(description: Fields): Fields {
  return Object.fromEntries(Object.entries(description).filter(([name]) => !SHOWN.includes(name)));
}

/** The lines of a stack that came as text, and which of them lie in libraries. */
export function linesOf(stack: string): { nth: number; text: string; library: boolean }[] {
  return stack.split("\n").map((line, nth) => ({
    nth,
    text: line,
    library: LIBRARY_LINE.test(line.replaceAll("\\", "/")),
  }));
}

function raisedOf(raised: Fields, nth: number): Raised {
  return {
    nth,
    type: text(raised.type),
    value: text(raised.value),
    handled: typeof raised.handled === "boolean" ? raised.handled : null,
    frames: list(raised.frames).map(fields).map(frameOf).reverse(),
    framesLeftOut: number(raised.frames_left_out) ?? 0,
  };
}

function frameOf(frame: Fields, nth: number): Frame {
  const file = text(frame.filename) ?? text(frame.abs_path) ?? text(frame.module) ?? "unknown place";
  const line = number(frame.lineno);
  const column = number(frame.colno);
  return {
    nth,
    function: text(frame.function),
    place: [file, line, column].filter((part) => part !== null).join(":"),
    inApp: typeof frame.in_app === "boolean" ? frame.in_app : !LIBRARY.test(file.replaceAll("\\", "/")),
    source: sourceOf(frame, line ?? 1),
    variables: nonEmpty(frame.vars),
  };
}

function sourceOf(frame: Fields, line: number): Frame["source"] {
  const here = text(frame.context_line);
  if (here === null) return [];
  const before = list(frame.pre_context).map(words);
  const lines = [...before, here, ...list(frame.post_context).map(words)];
  return lines.map((source, nth) => ({
    number: line - before.length + nth,
    text: source,
    here: nth === before.length,
  }));
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function fields(value: Json | undefined): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function nonEmpty(value: Json | undefined): Fields | null {
  const found = fields(value);
  return Object.keys(found).length > 0 ? found : null;
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" && value ? value : null;
}

function number(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}
