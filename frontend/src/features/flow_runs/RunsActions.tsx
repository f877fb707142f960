/** What can be done with several runs at once. */
import { useState } from "react";
import { type RunRowFragment, RunsCancelDocument, RunsDeleteDocument, RunsRetryDocument } from "@/generated/graphql";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Confirm } from "@/ui/Confirm";
import { SelectionBar } from "@/ui/SelectionBar";
import { hasEnded } from "@/ui/states";
import { tell } from "@/ui/toasts";

interface Results {
  results: { errors: { message: string }[] }[];
}

type Verb = "cancel" | "retry" | "delete";

const WORDS: Record<Verb, { verb: string; done: string; after: string }> = {
  cancel: { verb: "Cancel", done: "asked to end", after: "Their processes are asked to end and have 30 seconds for that." },
  retry: { verb: "Retry", done: "started again", after: "Everything in them is done again, under the same ids." },
  delete: { verb: "Delete", done: "deleted", after: "They, their states and their logs are gone for good." },
};

export function RunsActions({ runs, onClear, onDone }: { runs: readonly RunRowFragment[]; onClear: () => void; onDone: () => void }) {
  const workspaceId = useWorkspaceId();
  const [asked, setAsked] = useState<Verb>();
  const acts = { cancel: useAct(RunsCancelDocument), retry: useAct(RunsRetryDocument), delete: useAct(RunsDeleteDocument) };
  const isOver = (run: RunRowFragment): boolean => hasEnded(run.state.type);
  const able: Record<Verb, readonly RunRowFragment[]> = { cancel: runs.filter((run) => !isOver(run)), retry: runs.filter(isOver), delete: runs.filter(isOver) };
  const act = async (verb: Verb): Promise<void> => {
    if (workspaceId === undefined) return;
    const payload: Results | undefined = await acts[verb].act({ input: { workspaceId, ids: able[verb].map(({ id }) => id) } });
    onDone();
    if (!payload) return;
    const refused = payload.results.flatMap(({ errors }) => errors.slice(0, 1));
    const done = payload.results.length - refused.length;
    const said = `${done.toLocaleString("en")} ${WORDS[verb].done}.`;
    tell(refused[0] ? `${said} ${refused.length} not: ${refused[0].message}` : said, { isError: refused.length > 0 });
    if (refused.length === 0) onClear();
  };
  const words = asked && WORDS[asked];
  return (
    <>
      <SelectionBar count={runs.length} what={runs.length === 1 ? "run" : "runs"} onClear={onClear}>
        {(["retry", "cancel", "delete"] as const).map((verb) => (
          <Button
            key={verb}
            needs="RUNS_WRITE"
            isDanger={verb === "delete"}
            lacks={able[verb].length === 0 ? (verb === "cancel" ? "All of them have ended." : "None of them has ended.") : undefined}
            onClick={() => setAsked(verb)}
          >
            {`${WORDS[verb].verb} ${able[verb].length}`}
          </Button>
        ))}
      </SelectionBar>
      <Confirm
        isOpen={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={asked ? `${words?.verb} ${able[asked].length} ${able[asked].length === 1 ? "run" : "runs"}?` : ""}
        verb={words?.verb ?? ""}
        isDanger={asked !== "retry"}
        onConfirm={async () => {
          if (asked) await act(asked);
        }}
      >
        {words?.after}
      </Confirm>
    </>
  );
}
