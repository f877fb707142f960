/** Says that a part of the page could not be read: what is shown of it is from before, or is missing. */
import { useSyncExternalStore } from "react";
import { useClient } from "urql";
import { failingNow, readFailing, watchFailing } from "@/lib/answers";
import { wordsOf } from "@/ui/Feedback";

export function Failing() {
  const failing = useSyncExternalStore(watchFailing, failingNow);
  const client = useClient();
  if (!failing) return null;
  return (
    <p className="notice m-0" role="status">
      A part of this page could not be read, or is from before: {wordsOf(failing.error)}{" "}
      <button type="button" className="button is-small" onClick={() => readFailing(client)}>Try again</button>
    </p>
  );
}
