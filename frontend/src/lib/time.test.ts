import { describe, expect, test } from "vitest";
import { parseDuration, showDistance, showDuration, showExactly, showRelative, showTime, showWallClock } from "@/lib/time";

describe("lengths of time", () => {
  test.each([
    ["PT15S", 15_000],
    ["PT0.5S", 500],
    ["P1D", 86_400_000],
    ["P1DT2H3M4.5S", 93_784_500],
    ["-PT1M", -60_000],
  ])("%s is %d ms", (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each(["", "P", "PT", "15", "PT1H1H"])("%j is none", (text) =>
    expect(parseDuration(text)).toBeNaN(),
  );

  test.each([
    [38, "38ms"],
    [4_250, "4.2s"],
    [42_900, "42s"],
    [252_000, "4m 12s"],
    [59_999, "59s"],
    [11_220_000, "3h 07m"],
    [187_200_000, "2d 04h"],
  ])("%d ms is shown as %s", (milliseconds, text) => expect(showDuration(milliseconds)).toBe(text));
});

describe("times", () => {
  const now = new Date("2026-11-28T12:00:00Z");

  test("says the day only where it is another one, in the zone that is asked for", () => {
    expect(showTime(new Date("2026-11-28T06:03:12Z"), now, "Europe/Berlin")).toBe("07:03:12");
    expect(showTime(new Date("2026-11-27T22:59:59Z"), now, "Europe/Berlin")).toBe(
      "27 Nov 23:59:59",
    );
    expect(showTime(new Date("2025-01-01T00:00:00Z"), now, "UTC")).toBe("1 Jan 2025 00:00:00");
  });

  test("says the whole with zone and offset", () => {
    expect(showExactly(new Date("2026-11-28T06:03:12.345Z"), "Europe/Berlin")).toBe(
      "Sat, 28 Nov 2026, 07:03:12.345 Europe/Berlin (+01:00)",
    );
    expect(showExactly(now, "UTC")).toContain("UTC (+00:00)");
  });

  test("says how far off", () => {
    expect(showRelative(new Date("2026-11-28T11:55:48Z"), now)).toBe("4m ago");
    expect(showRelative(new Date("2026-11-28T12:00:30Z"), now)).toBe("in 30s");
    expect(showRelative(now, now)).toBe("now");
  });

  test.each([
    ["2036-11-25T12:00:00Z", "25 Nov 2036"],
    ["2026-12-25T23:30:00Z", "26 Dec"],
    ["2026-10-01T12:00:00Z", "1 Oct"],
    ["2026-12-10T12:00:00Z", "in 12d"],
  ])("%s is so far off: %s", (at, shown) => expect(showDistance(new Date(at), now, "Europe/Berlin")).toBe(shown));

  test.each([
    ["2026-11-30T05:30:00+01:00", "Mon 30 Nov 05:30:00 (+01:00)"],
    ["2026-12-01T00:00:00Z", "Tue 1 Dec 00:00:00 (+00:00)"],
    ["2036-11-27T20:50:00Z", "Thu 27 Nov 2036 20:50:00 (+00:00)"],
    ["soon", "soon"],
  ])("a clock that shows %s is read as %s", (text, shown) => expect(showWallClock(text, now)).toBe(shown));
});
