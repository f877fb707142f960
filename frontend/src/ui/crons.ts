/** Cron expressions in words. The library comes once there is one to be read. */

export interface Cron {
  expression: string;
  timezone: string;
}

const QUOTED = /^cron (\S+ \S+ \S+ \S+ \S+) (\S+)$/;

/** The cron that a server's description quotes because it has no words for it. */
export function cronOf(description: string): Cron | undefined {
  const [, expression, timezone] = QUOTED.exec(description) ?? [];
  return expression === undefined || timezone === undefined ? undefined : { expression, timezone };
}

/**
 * "every 15 minutes, starting at minute 3": undefined for what cannot be said. Days of the month beside days of the week are
 * left as they are: whether both have to hold is the schedule's own choice, and the words would say one of the two.
 */
export async function wordsOfCron(expression: string): Promise<string | undefined> {
  const [, , day, , weekday] = expression.split(" ");
  if (day !== "*" && weekday !== "*") return undefined;
  try {
    const { default: cronstrue } = await import("cronstrue");
    const words = cronstrue.toString(expression, { use24HourTimeFormat: true, throwExceptionOnParseError: true });
    return words.charAt(0).toLowerCase() + words.slice(1);
  } catch {
    return undefined;
  }
}
