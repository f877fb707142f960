/** What a schedule fires by, as a form holds it and as the API takes it. */
import type { ScheduleRowFragment, ScheduleSpecInput, ScheduleUpsertInput } from "@/generated/graphql";
import { isoDuration, localZone, parseDuration } from "@/lib/time";

export type SpecKind = "cron" | "interval" | "rrule";

export interface SpecDraft {
  kind: SpecKind;
  cron: string;
  dayOr: boolean;
  timezone: string;
  /** A number and its unit. */
  every: string;
  unit: Unit;
  anchor: string | undefined;
  rrule: string;
}

export type Unit = "seconds" | "minutes" | "hours" | "days";

const MS: Record<Unit, number> = { seconds: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 };
export const UNITS: readonly Unit[] = ["seconds", "minutes", "hours", "days"];

export function newDraft(): SpecDraft {
  return { kind: "cron", cron: "0 6 * * *", dayOr: true, timezone: localZone(), every: "1", unit: "hours", anchor: undefined, rrule: "FREQ=WEEKLY;BYDAY=MO;BYHOUR=6;BYMINUTE=0", };
}

/** The largest unit that a length is a whole number of. */
function split(every: string): { every: string; unit: Unit } {
  const length = parseDuration(every);
  const unit = [...UNITS].reverse().find((each) => length % MS[each] === 0) ?? "seconds";
  return { every: String(length / MS[unit]), unit };
}

export function draftOf(schedule: Pick<ScheduleRowFragment, "spec" | "timezone">): SpecDraft {
  const { spec, timezone } = schedule;
  const base = { ...newDraft(), timezone };
  switch (spec.__typename) {
    case "CronSpec":
      return { ...base, kind: "cron", cron: spec.cron, dayOr: spec.dayOr };
    case "IntervalSpec":
      return { ...base, kind: "interval", ...split(spec.every), anchor: spec.anchor };
    case "RRuleSpec":
      return { ...base, kind: "rrule", rrule: spec.rrule };
    default:
      return base;
  }
}

/** Undefined where it cannot be asked for yet. */
export function specOf(draft: SpecDraft): ScheduleSpecInput | undefined {
  switch (draft.kind) {
    case "cron":
      return draft.cron.trim() === "" ? undefined : { cron: { cron: draft.cron, timezone: draft.timezone, dayOr: draft.dayOr } };
    case "interval": {
      const length = Number(draft.every) * MS[draft.unit];
      if (!Number.isFinite(length) || length <= 0) return undefined;
      return { interval: { every: isoDuration(length), ...(draft.anchor === undefined ? {} : { anchor: draft.anchor }) } };
    }
    case "rrule":
      return draft.rrule.trim() === "" ? undefined : { rrule: { rrule: draft.rrule, timezone: draft.timezone } };
  }
}

/** A schedule as it is, to be sent again with a change. */
export function inputOf(schedule: ScheduleRowFragment): Omit<ScheduleUpsertInput, "deploymentId"> {
  const { slug, active, parameters, catchUp } = schedule;
  const spec = specOf(draftOf(schedule));
  if (!spec) throw new Error(`The schedule ${slug} cannot be read.`);
  return {
    slug,
    spec,
    active,
    catchUp: { policy: catchUp.policy, max: catchUp.max, window: catchUp.window },
    ...(parameters === null || parameters === undefined ? {} : { parameters }),
  };
}
