/** Times and lengths of time as people read them; the zone is always said. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ISO_DURATION =
  /^(?<sign>-)?P(?:(?<days>\d+(?:\.\d+)?)D)?(?:T(?:(?<hours>\d+(?:\.\d+)?)H)?(?:(?<minutes>\d+(?:\.\d+)?)M)?(?:(?<seconds>\d+(?:\.\d+)?)S)?)?$/;

/** Milliseconds of an ISO 8601 length in days down to seconds; NaN for anything else. */
export function parseDuration(text: string): number {
  const parts = ISO_DURATION.exec(text)?.groups;
  if (!parts || text.endsWith("P") || text.endsWith("T")) return Number.NaN;
  const of = (name: string): number => Number(parts[name] ?? 0);
  const total =
    of("days") * DAY + of("hours") * HOUR + of("minutes") * MINUTE + of("seconds") * SECOND;
  return parts["sign"] ? -total : total;
}

/** ISO 8601 of some milliseconds: PT90S. */
export function isoDuration(milliseconds: number): string {
  return `PT${milliseconds / SECOND}S`;
}

/** 38ms, 4.2s, 4m 12s, 3h 07m, 2d 04h. */
export function showDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return "";
  const length = Math.abs(milliseconds);
  const sign = milliseconds < 0 ? "−" : "";
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  if (length < SECOND) return `${sign}${Math.round(length)}ms`;
  if (length < MINUTE) {
    const tenths = Math.floor(length / 100) / 10;
    return `${sign}${tenths < 10 ? tenths.toFixed(1) : Math.floor(tenths)}s`;
  }
  if (length < HOUR) {
    return `${sign}${Math.floor(length / MINUTE)}m ${two((length % MINUTE) / SECOND)}s`;
  }
  if (length < DAY) {
    return `${sign}${Math.floor(length / HOUR)}h ${two((length % HOUR) / MINUTE)}m`;
  }
  return `${sign}${Math.floor(length / DAY)}d ${two((length % DAY) / HOUR)}h`;
}

/** "4m 12s ago", "in 30s", "now" within a second. */
export function showRelative(at: Date, now: Date): string {
  const difference = at.getTime() - now.getTime();
  if (Math.abs(difference) < SECOND) return "now";
  const [first] = showDuration(Math.abs(difference)).split(" ");
  return difference < 0 ? `${first} ago` : `in ${first}`;
}

/** What lies further off than this is shown by its day: nobody counts in hundreds of them. */
const FAR = 14 * DAY;

/** As `showRelative`, or the day in a zone where it is more than a fortnight off: 30 Nov, with the year where it is another. */
export function showDistance(at: Date, now: Date, timeZone: string): string {
  if (Math.abs(at.getTime() - now.getTime()) < FAR) return showRelative(at, now);
  const year = (of: Date): string => formatOf({ timeZone, year: "numeric" }).format(of);
  const day: Intl.DateTimeFormatOptions = { timeZone, day: "numeric", month: "short" };
  return formatOf(year(at) === year(now) ? day : { ...day, year: "numeric" }).format(at);
}

/** The zone of this browser: Europe/Berlin. */
export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Kept, for to make one takes longer than to use it a hundred times. */
function formatOf(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  const found = formats.get(key) ?? new Intl.DateTimeFormat("en-GB", options);
  formats.set(key, found);
  return found;
}

/** 07:03:12 today, 28 Nov 07:03:12 otherwise, with the year where it is another. */
export function showTime(at: Date, now: Date, timeZone: string): string {
  const part = (options: Intl.DateTimeFormatOptions, of: Date = at): string =>
    formatOf({ timeZone, ...options }).format(of);
  const clock = part({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
  if (part(day) === part(day, now)) return clock;
  const isThisYear = part({ year: "numeric" }) === part({ year: "numeric" }, now);
  return `${part(isThisYear ? { day: "numeric", month: "short" } : day)} ${clock}`;
}

/** The whole of it, with its zone: Sat 28 Nov 2026, 07:03:12.345 Europe/Berlin (+01:00). */
export function showExactly(at: Date, timeZone: string): string {
  const text = formatOf({
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(at);
  const zone = formatOf({ timeZone, timeZoneName: "longOffset" })
    .formatToParts(at)
    .find((part) => part.type === "timeZoneName")?.value;
  return `${text} ${timeZone} (${zone?.replace("GMT", "") || "+00:00"})`;
}

const WALL_CLOCK = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** What a clock somewhere shows: Mon 30 Nov 05:30:00 (+01:00), with the year where it is another. Anything else is left as it is. */
export function showWallClock(text: string, now: Date): string {
  const [, year, month, day, clock, offset] = WALL_CLOCK.exec(text) ?? [];
  if (clock === undefined) return text;
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const part = (options: Intl.DateTimeFormatOptions): string => formatOf({ timeZone: "UTC", ...options }).format(at);
  const isThisYear = Number(year) === now.getUTCFullYear();
  return `${part({ weekday: "short" })} ${part(isThisYear ? { day: "numeric", month: "short" } : { day: "numeric", month: "short", year: "numeric" })} ${clock} (${offset === "Z" ? "+00:00" : offset})`;
}
