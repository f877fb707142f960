/** One variable: its value, what it was before, and putting it back. */
import { useState } from "react";
import { useQuery } from "urql";
import { VariableDialog } from "@/features/variables/VariableDialog";
import { VariableDeleteDocument, VariableHistoryDocument, type VariableRowFragment, VariableSetDocument } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { ConfirmButton } from "@/ui/Confirm";
import { Command } from "@/ui/Copy";
import { JsonView } from "@/ui/JsonView";
import { Peek } from "@/ui/Peek";
import { Time } from "@/ui/Time";
import { tell } from "@/ui/toasts";

export interface VariablePeekProps {
  variable: VariableRowFragment;
  workspaceId: string;
  onClose: () => void;
  onChanged: () => void;
}

const MOST_SHOWN = 120;

export function VariablePeek({ variable, workspaceId, onClose, onChanged }: VariablePeekProps) {
  const [isChanging, setChanging] = useState(false);
  const [{ data }] = useQuery({ query: VariableHistoryDocument, variables: { id: variable.id }, requestPolicy: "network-only" });
  const set = useAct(VariableSetDocument);
  const remove = useAct(VariableDeleteDocument);
  const history = data?.node?.__typename === "Variable" ? data.node.history.nodes : [];
  const putBack = async (value: unknown, tags: string[]): Promise<void> => {
    if (await set.act({ input: { workspaceId, name: variable.name, value, tags, expectedVersion: variable.version } })) onChanged();
  };
  const makeAgain = async (): Promise<void> => {
    if (await set.act({ input: { workspaceId, name: variable.name, value: variable.value, tags: variable.tags, expectedVersion: 0 } })) onChanged();
  };
  return (
    <Peek title={<code>{variable.name}</code>} onClose={onClose} actions={<Button needs="VARIABLES_WRITE" onClick={() => setChanging(true)}>Change</Button>}>
      <JsonView value={variable.value} label="Value" />
      <dl className="facts">
        <dt>Version</dt>
        <dd className="num">{variable.version}</dd>
        <dt>Changed</dt>
        <dd><Time at={variable.updatedAt} /></dd>
        <dt>Tags</dt>
        <dd>{variable.tags.map((tag) => <span key={tag} className="tag mr-1">{tag}</span>)}</dd>
      </dl>
      <Command text={`Variable.get(${JSON.stringify(variable.name)})`} />
      <section className="grid gap-2" aria-label="History">
        <h2>Before</h2>
        <ol className="m-0 grid list-none gap-2 p-0">
          {history.filter(({ version }) => version !== variable.version).map((each) => (
            <li key={each.version} className="grid gap-1 text-[13px]">
              <span className="flex items-center gap-2">
                <span className="faint"><Time at={each.changedAt} /> · <bdi>{each.changedBy.displayName}</bdi></span>
                <Button className="is-small ml-auto" needs="VARIABLES_WRITE" onClick={() => void putBack(each.value, each.tags)}>Put back</Button>
              </span>
              <code className="break-all">{JSON.stringify(each.value).slice(0, MOST_SHOWN)}</code>
            </li>
          ))}
          {history.length <= 1 && <li className="faint text-[13px]">It never had another value.</li>}
        </ol>
      </section>
      <ConfirmButton
        label="Delete"
        title={`Delete ${variable.name}?`}
        verb="Delete it"
        needs="VARIABLES_WRITE"
        onConfirm={async () => {
          if (!(await remove.act({ input: { id: variable.id } }))) return;
          onClose();
          onChanged();
          tell(`${variable.name} is gone.`, { undo: () => void makeAgain() });
        }}
      >
        A flow that reads it gets its own default, or fails. Its history goes.
      </ConfirmButton>
      {isChanging && <VariableDialog workspaceId={workspaceId} variable={variable} onClose={() => setChanging(false)} onSaved={onChanged} />}
    </Peek>
  );
}
