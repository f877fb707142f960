/** How each state looks: a colour, a shape and a texture, so that no reading rests on colour alone. */

export type Tone = "neutral" | "running" | "completed" | "failed" | "crashed" | "paused";
export type Shape =
  | "scheduled" | "waiting" | "late" | "pending" | "running" | "retrying" | "paused" | "completed"
  | "cached" | "failed" | "timed-out" | "crashed" | "cancelling" | "cancelled";

export interface StateLook {
  tone: Tone;
  shape: Shape;
}

const BY_NAME: Readonly<Record<string, StateLook>> = {
  Late: { tone: "paused", shape: "late" },
  AwaitingRetry: { tone: "running", shape: "retrying" },
  AwaitingConcurrencySlot: { tone: "neutral", shape: "waiting" },
  Retrying: { tone: "running", shape: "retrying" },
  Cached: { tone: "completed", shape: "cached" },
  RolledBack: { tone: "completed", shape: "cached" },
  TimedOut: { tone: "failed", shape: "timed-out" },
};

const BY_TYPE: Readonly<Record<string, StateLook>> = {
  SCHEDULED: { tone: "neutral", shape: "scheduled" },
  PENDING: { tone: "neutral", shape: "pending" },
  RUNNING: { tone: "running", shape: "running" },
  PAUSED: { tone: "paused", shape: "paused" },
  CANCELLING: { tone: "neutral", shape: "cancelling" },
  COMPLETED: { tone: "completed", shape: "completed" },
  FAILED: { tone: "failed", shape: "failed" },
  CRASHED: { tone: "crashed", shape: "crashed" },
  CANCELLED: { tone: "neutral", shape: "cancelled" },
};

const UNKNOWN: StateLook = { tone: "neutral", shape: "waiting" };

/** A name's own look where it has one, else that of its type. */
export function lookOf(type: string, name?: string): StateLook {
  return (name !== undefined ? BY_NAME[name] : undefined) ?? BY_TYPE[type] ?? UNKNOWN;
}

/** Whether it waits to run, for the first time or once more: what it is said to take is not time that runs. */
export function isToCome(type: string): boolean {
  return type === "SCHEDULED" || type === "PENDING";
}

const ENDED = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

export function hasEnded(type: string): boolean {
  return ENDED.has(type);
}
