const DAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"] as const;
const DAY_NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const UNITS: Readonly<Record<string, string>> = { DAILY: "day", WEEKLY: "week", MONTHLY: "month", YEARLY: "year" };
const PARTS = new Set([
  ...["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"],
  ...["BYYEARDAY", "BYWEEKNO"],
]);
const SETS: Readonly<Record<string, string>> = {
  "MO,TU,WE,TH,FR": "weekday",
  "SA,SU": "weekend day",
  "MO,TU,WE,TH,FR,SA,SU": "day",
};

const AND = new Intl.ListFormat("en-GB", { type: "conjunction" });
const OR = new Intl.ListFormat("en-GB", { type: "disjunction" });
const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
const SUFFIXES: Readonly<Record<string, string>> = { one: "st", two: "nd", few: "rd", other: "th" };
const MONTH = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" });
const DATE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });

/**
 * When a task recurs, in words: `Every 2 weeks on Monday and Friday, 10 times`. `start` is its first date, by which a
 * rule goes that leaves days open. A rule that is not understood here is its own words.
 */
export function inWords(recurrence: string, start: string): string {
  if (recurrence === "none") return "Once";
  if (recurrence === "daily") return "Every day";
  if (recurrence === "weekly") return `Every week on ${weekday(start)}`;
  const parts = partsOf(recurrence);
  const unit = UNITS[parts.get("FREQ")?.[0] ?? ""];
  if (!unit || [...parts.keys()].some((name) => !PARTS.has(name))) return recurrence;
  const interval = Number(parts.get("INTERVAL")?.[0] ?? 1);
  const every = interval === 1 ? `Every ${unit}` : `Every ${interval} ${unit}s`;
  return [every, ...when(parts, unit, start)].join(" ") + ending(parts);
}

type Parts = ReadonlyMap<string, readonly string[]>;

function partsOf(rule: string): Parts {
  const text = rule
    .toUpperCase()
    .replace(/^RRULE:/, "")
    .replace(/;$/, "");
  const pairs = text.split(";").map((part): [string, string[]] => {
    const [name = "", value = ""] = part.split("=", 2);
    return [name, value.split(",")];
  });
  return new Map(pairs);
}

/** On which days of its period: each phrase as it follows the others. */
function when(parts: Parts, unit: string, start: string): string[] {
  const months = parts.get("BYMONTH");
  const weeks = parts.get("BYWEEKNO");
  return [
    ...days(parts, unit, start),
    ...(weeks ? [`in week ${AND.format(weeks.map((week) => (week.startsWith("-") ? fromEnd(week) : week)))}`] : []),
    ...(months ? [`in ${AND.format(months.map(monthName))}`] : []),
  ];
}

function days(parts: Parts, unit: string, start: string): string[] {
  const byDay = parts.get("BYDAY");
  const monthDays = parts.get("BYMONTHDAY");
  const yearDays = parts.get("BYYEARDAY");
  const positions = parts.get("BYSETPOS");
  if (positions) {
    const among = byDay ? setOf(byDay) : monthDays ? `of the ${AND.format(monthDays.map(place))}` : "of its days";
    return [`on the ${AND.format(positions.map(place))} ${among}`];
  }
  const said: string[] = [];
  if (byDay) said.push(onDays(byDay, unit, Boolean(parts.get("BYMONTH"))));
  if (monthDays)
    said.push(byDay ? `if it is the ${OR.format(monthDays.map(dayPlace))}` : onThe(monthDays, parts, unit));
  if (yearDays)
    said.push(`on the ${AND.format(yearDays.map(dayPlace))}${yearDays.every(negative) ? "" : " day"} of the year`);
  return said.length > 0 ? said : implied(parts, unit, start);
}

/** The day that a rule leaves to its start. */
function implied(parts: Parts, unit: string, start: string): string[] {
  const [, month = "", day = ""] = start.split("-");
  if (unit === "week" || parts.has("BYWEEKNO")) return [`on ${weekday(start)}`];
  if (unit === "month") return [`on the ${place(String(Number(day)))}`];
  if (unit !== "year") return [];
  return parts.has("BYMONTH") ? [`on the ${place(String(Number(day)))}`] : [`on ${monthName(month)} ${Number(day)}`];
}

function onDays(byDay: readonly string[], unit: string, inMonths: boolean): string {
  const plain = byDay.filter((day) => day.length === 2);
  const numbered = byDay
    .filter((day) => day.length > 2)
    .map((day) => `${place(day.slice(0, -2))} ${dayName(day.slice(-2))}`);
  const of = unit === "year" && !inMonths && numbered.length > 0 ? " of the year" : "";
  const set = SETS[sorted(plain)];
  const names = AND.format(plain.map(dayName));
  const each = set
    ? set === "day"
      ? "each day"
      : `${set}s`
    : `${unit === "month" || unit === "year" ? "each " : ""}${names}`;
  const phrases = [
    ...(plain.length > 0 ? [each] : []),
    ...(numbered.length > 0 ? [`the ${AND.format(numbered)}${of}`] : []),
  ];
  return `on ${phrases.join(" and ")}`;
}

function onThe(monthDays: readonly string[], parts: Parts, unit: string): string {
  const inEach = unit === "year" && !parts.has("BYMONTH") ? " of each month" : "";
  return `on the ${AND.format(monthDays.map(dayPlace))}${inEach}`;
}

/** Days to choose from by their places: `weekday`, or `of Monday and the 2nd Tuesday`. */
function setOf(byDay: readonly string[]): string {
  const [only] = byDay;
  if (byDay.length === 1 && only) return dayName(only.slice(-2));
  return SETS[sorted(byDay)] ?? `of ${AND.format(byDay.map((day) => dayName(day.slice(-2))))}`;
}

function ending(parts: Parts): string {
  const [count] = parts.get("COUNT") ?? [];
  const [until = ""] = parts.get("UNTIL") ?? [];
  if (count) return count === "1" ? ", once" : `, ${count} times`;
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)/.exec(until) ?? [];
  return year ? `, until ${DATE.format(Date.parse(`${year}-${month}-${day}`))}` : "";
}

/** A place in an order: `1st`, `last`, `3rd to last`. */
function place(number: string): string {
  if (negative(number)) return fromEnd(number);
  const counted = Number(number);
  return `${counted}${SUFFIXES[ORDINALS.select(counted)]}`;
}

function fromEnd(number: string): string {
  return number === "-1" ? "last" : `${place(number.slice(1))} to last`;
}

function dayPlace(number: string): string {
  return negative(number) ? `${fromEnd(number)} day` : place(number);
}

function negative(number: string): boolean {
  return number.startsWith("-");
}

function sorted(days: readonly string[]): string {
  // A week begins on Monday.
  const order = (day: string) => (DAYS.indexOf(day as (typeof DAYS)[number]) + 6) % 7;
  return [...days].sort((one, other) => order(one) - order(other)).join(",");
}

function dayName(day: string): string {
  return DAY_NAMES[DAYS.indexOf(day as (typeof DAYS)[number])] ?? day;
}

function weekday(date: string): string {
  return DAY_NAMES[new Date(date).getUTCDay()] ?? "";
}

function monthName(month: string): string {
  return MONTH.format(Date.UTC(2000, Number(month) - 1));
}
