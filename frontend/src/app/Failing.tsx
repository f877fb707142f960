/** Says that a part of the page could not be read: what is shown of it is from before, or is missing. */
import { useSyncExternalStore } from "react";
import { type CombinedError, useClient } from "urql";
import { failingNow, readFailing, watchFailing } from "@/lib/answers";
import { staleNow, watchStale } from "@/lib/stale";
import { wordsOf } from "@/ui/Feedback";

export function Failing() {
  const failing = useSyncExternalStore(watchFailing, failingNow);
  const stale = useSyncExternalStore(watchStale, staleNow);
  const client = useClient();
  if (failing) return <Notice error={failing.error} onAgain={() => readFailing(client)} />;
  return stale ? <Notice error={stale.error} onAgain={stale.again} /> : null;
}

function Notice({ error, onAgain }: { error: CombinedError; onAgain: () => void }) {
  return (
    <p className="notice m-0" role="status">
      A part of this page could not be read, or is from before: {wordsOf(error)}{" "}
      <button type="button" className="button is-small" onClick={onAgain}>Try again</button>
    </p>
  );
}
