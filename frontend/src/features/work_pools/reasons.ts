/** Why an agent is in its state, in the server's words. */
import { localZone, showTime } from "@/lib/time";

const INSTANT = /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g;

/** The server writes times as computers do. */
export function readableReason(reason: string, now: Date): string {
  return reason.replaceAll(INSTANT, (at) => showTime(new Date(at), now, localZone()));
}
