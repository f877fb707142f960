/** Why an agent is in its state, in the server's words. */
import { localZone, showTime } from "@/lib/time";

/** What follows is a person's name, and what they said. */
const DEADLINE = /^(Drains until )(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))/;

/** The server writes times as computers do; what people wrote stays as it is. */
export function readableReason(reason: string, now: Date): string {
  return reason.replace(DEADLINE, (whole, before: string, at: string) => (Number.isNaN(Date.parse(at)) ? whole : `${before}${showTime(new Date(at), now, localZone())}`));
}
