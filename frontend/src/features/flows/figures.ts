/** How runs went and how long they took. */
import { parseDuration } from "@/lib/time";

interface Run {
  duration?: string | null;
  state: { type: string };
}

const WELL = "COMPLETED";
const ILL = new Set(["FAILED", "CRASHED"]);

/** Of those that completed or failed, how many completed: 0 to 1; undefined where none did either. */
export function successOf(runs: readonly Run[]): number | undefined {
  const well = runs.filter(({ state }) => state.type === WELL).length;
  const ill = runs.filter(({ state }) => ILL.has(state.type)).length;
  return well + ill === 0 ? undefined : well / (well + ill);
}

/** So many of the completed ones took no longer: by nearest rank, in milliseconds. */
export function percentileOf(runs: readonly Run[], percent: number): number | undefined {
  const lengths = runs
    .flatMap(({ state, duration }) => (state.type === WELL && duration ? [parseDuration(duration)] : []))
    .sort((one, other) => one - other);
  return lengths[Math.max(0, Math.ceil((percent / 100) * lengths.length) - 1)];
}
