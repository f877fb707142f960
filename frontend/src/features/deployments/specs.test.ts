import { expect, test } from "vitest";
import { draftOf, newDraft, specOf } from "@/features/deployments/specs";
import { commandOf } from "@/features/deployments/command";

test.each([
  ["a cron", { __typename: "CronSpec", cron: "0 6 * * 1-5", dayOr: false } as const, { cron: { cron: "0 6 * * 1-5", timezone: "Europe/Berlin", dayOr: false } }],
  ["an interval", { __typename: "IntervalSpec", every: "PT5400S", anchor: "2026-01-01T00:00:00Z" } as const, { interval: { every: "PT5400S", anchor: "2026-01-01T00:00:00Z" } }],
  ["a rule", { __typename: "RRuleSpec", rrule: "FREQ=DAILY", start: null } as const, { rrule: { rrule: "FREQ=DAILY", timezone: "Europe/Berlin" } }],
])("%s is the same after it was shown in the form", (_, spec, input) => {
  expect(specOf(draftOf({ spec, timezone: "Europe/Berlin" }))).toEqual(input);
});

test("an interval is shown in its largest unit", () => {
  const draft = draftOf({ spec: { __typename: "IntervalSpec", every: "PT7200S", anchor: "2026-01-01T00:00:00Z" }, timezone: "UTC" });

  expect([draft.every, draft.unit]).toEqual(["2", "hours"]);
});

test.each(["", "0", "-1", "soon"])("every %j is nothing to ask for", (every) => {
  expect(specOf({ ...newDraft(), kind: "interval", every })).toBeUndefined();
});

test("the command quotes what a shell would take apart", () => {
  expect(commandOf("load/daily", { region: "eu", note: "it's $HOME", rows: [1, 2], count: "5" })).toBe(
    `headgate deployments run load/daily --param region=eu --param 'note=it'\\''s $HOME' --param 'rows=[1,2]' --param 'count="5"'`,
  );
});
