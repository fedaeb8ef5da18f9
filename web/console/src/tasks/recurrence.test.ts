import { describe, expect, it } from "vitest";
import { inWords } from "./recurrence";

// A Sunday.
const START = "2026-03-15";

describe("inWords", () => {
  it.each([
    ["none", "Once"],
    ["daily", "Every day"],
    ["weekly", "Every week on Sunday"],
    ["FREQ=DAILY", "Every day"],
    ["FREQ=DAILY;INTERVAL=3", "Every 3 days"],
    ["FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "Every day on weekdays"],
    ["FREQ=DAILY;BYMONTH=1,2", "Every day in January and February"],
    ["FREQ=DAILY;BYMONTHDAY=13;BYDAY=FR", "Every day on Friday if it is the 13th"],
    ["FREQ=WEEKLY", "Every week on Sunday"],
    ["FREQ=WEEKLY;BYDAY=MO,WE,FR", "Every week on Monday, Wednesday and Friday"],
    ["freq=weekly;interval=2;byday=mo", "Every 2 weeks on Monday"],
    ["RRULE:FREQ=WEEKLY;BYDAY=SU,SA;", "Every week on weekend days"],
    ["FREQ=MONTHLY", "Every month on the 15th"],
    ["FREQ=MONTHLY;BYMONTHDAY=1,-1", "Every month on the 1st and last day"],
    ["FREQ=MONTHLY;BYMONTHDAY=-3", "Every month on the 3rd to last day"],
    ["FREQ=MONTHLY;BYDAY=-1FR", "Every month on the last Friday"],
    ["FREQ=MONTHLY;BYDAY=+2TU", "Every month on the 2nd Tuesday"],
    ["FREQ=MONTHLY;BYDAY=MO", "Every month on each Monday"],
    ["FREQ=MONTHLY;BYDAY=MO,-1FR", "Every month on each Monday and the last Friday"],
    ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "Every month on the last weekday"],
    ["FREQ=MONTHLY;BYDAY=TU,TH;BYSETPOS=1,3", "Every month on the 1st and 3rd of Tuesday and Thursday"],
    ["FREQ=YEARLY", "Every year on March 15"],
    ["FREQ=YEARLY;BYMONTH=6", "Every year on the 15th in June"],
    ["FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "Every year on the 4th Thursday in November"],
    ["FREQ=YEARLY;BYDAY=20MO", "Every year on the 20th Monday of the year"],
    ["FREQ=YEARLY;BYMONTHDAY=1", "Every year on the 1st of each month"],
    ["FREQ=YEARLY;BYYEARDAY=100", "Every year on the 100th day of the year"],
    ["FREQ=YEARLY;BYYEARDAY=-1", "Every year on the last day of the year"],
    ["FREQ=YEARLY;BYWEEKNO=20", "Every year on Sunday in week 20"],
    ["FREQ=DAILY;COUNT=10", "Every day, 10 times"],
    ["FREQ=WEEKLY;BYDAY=MO;UNTIL=20261231T235959Z", "Every week on Monday, until Dec 31, 2026"],
  ])("says of %s: %s", (rule, words) => {
    expect(inWords(rule, START)).toBe(words);
  });

  it("leaves what it does not understand as it is written", () => {
    expect(inWords("FREQ=HOURLY", START)).toBe("FREQ=HOURLY");
    expect(inWords("FREQ=DAILY;BYEASTER=1", START)).toBe("FREQ=DAILY;BYEASTER=1");
  });

  it("gives teens and tens their own endings", () => {
    const places = [1, 2, 3, 11, 12, 13, 21, 22, 23].map((day) => inWords(`FREQ=MONTHLY;BYMONTHDAY=${day}`, START));
    expect(places.map((words) => words.replace("Every month on the ", "")).join(" ")).toBe(
      "1st 2nd 3rd 11th 12th 13th 21st 22nd 23rd",
    );
  });
});
