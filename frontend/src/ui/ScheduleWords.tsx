/** When a schedule fires, in words: the server's, or those for a cron that it only quotes. */
import { useEffect, useState } from "react";
import { cronOf, wordsOfCron } from "@/ui/crons";

/** A table shows the same few many times: what is known stays. */
const known = new Map<string, string>();

export function ScheduleWords({ description }: { description: string }) {
  const cron = cronOf(description);
  const [, turn] = useState(0);
  const words = known.get(description);
  useEffect(() => {
    if (!cron || known.has(description)) return;
    let isWanted = true;
    void wordsOfCron(cron.expression).then((found) => {
      if (found === undefined) return;
      known.set(description, found);
      if (isWanted) turn((count) => count + 1);
    });
    return () => {
      isWanted = false;
    };
  }, [cron, description]);
  if (!cron || !words) return description;
  return <span title={`${words}, ${cron.timezone}: ${cron.expression}`}>{`${words}, ${cron.timezone}`}</span>;
}
