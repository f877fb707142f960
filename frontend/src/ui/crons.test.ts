import { expect, test } from "vitest";
import { cronOf, wordsOfCron } from "@/ui/crons";

test.each([
  ["cron 3-59/15 * * * * UTC", { expression: "3-59/15 * * * *", timezone: "UTC" }],
  ["cron 0 6,18 * * MON Europe/Berlin", { expression: "0 6,18 * * MON", timezone: "Europe/Berlin" }],
  ["every day at 06:00 UTC", undefined],
])("%j quotes %j", (description, cron) => expect(cronOf(description)).toEqual(cron));

test.each([
  ["0 6,18 * * MON", "at 06:00 and 18:00, only on Monday"],
  ["*/10 8-17 * * *", "every 10 minutes, between 08:00 and 17:59"],
  ["0 0 1 */3 *", "at 00:00, on day 1 of the month, every 3 months"],
  ["0 0 1 * MON", undefined],
  ["61 * * * *", undefined],
])("%s is %j", async (expression, words) => expect(await wordsOfCron(expression)).toBe(words));
