/** What is laid over a run's parameters when it is retried: only what was changed, so that what was not stays as it was. */
import { isRecord, isSame } from "@/ui/schema/schemas";

export interface Overlay {
  /** Undefined where nothing was changed. */
  parameters: Record<string, unknown> | undefined;
  /** Names that were taken away: what is laid over can change a parameter, not remove it. */
  gone: string[];
}

export function overlayOf(before: unknown, after: unknown): Overlay {
  const [old, edited] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  const changed = Object.entries(edited).filter(([name, value]) => !Object.hasOwn(old, name) || !isSame(old[name], value));
  return {
    parameters: changed.length > 0 ? Object.fromEntries(changed) : undefined,
    gone: Object.keys(old).filter((name) => !Object.hasOwn(edited, name)),
  };
}
