/** What the list of runs is narrowed to, kept under a name: for oneself, or for everybody of the workspace. */
import { useState } from "react";
import { useQuery } from "urql";
import { SavedViewCreateDocument, SavedViewDeleteDocument, SavedViewsDocument } from "@/generated/graphql";
import { isNarrowed, keptOf, lastInWords, readSearch, type RunSearch } from "@/features/flow_runs/search";
import { usePlace } from "@/lib/place";
import { useWorkspaceId } from "@/lib/workspace";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { CheckField, TextField } from "@/ui/fields";
import { Menu } from "@/ui/Menu";
import { tell } from "@/ui/toasts";

const PAGE = "flow-runs";

/** The same whatever the order of its names, and whichever run is looked at. */
function signOf({ peek: _peek, ...search }: RunSearch): string {
  return JSON.stringify(Object.entries(search).sort(([one], [other]) => one.localeCompare(other)));
}

export function SavedViews({ search, onSearch }: { search: RunSearch; onSearch: (search: RunSearch) => void }) {
  const { organization, workspace } = usePlace();
  const [isNaming, setNaming] = useState(false);
  const [isWanted, setWanted] = useState(false);
  const isPlain = !isNarrowed(search);
  const [{ data }, read] = useQuery({ query: SavedViewsDocument, variables: { organization, workspace }, pause: isPlain && !isWanted });
  const remove = useAct(SavedViewDeleteDocument);
  const again = (): void => read({ requestPolicy: "network-only" });
  const views = (data?.workspace?.savedViews.nodes ?? []).map((view) => ({ ...view, search: readSearch(view.filter as Record<string, unknown>) }));
  const active = views.find((view) => !isPlain && signOf(view.search) === signOf(search));
  const forget = async (): Promise<void> => {
    if (!active || !(await remove.act({ input: { id: active.id } }))) return;
    tell(`The view ${active.name} is forgotten.`);
    again();
  };
  return (
    <>
      <Menu
        label={active?.name ?? "Views"}
        name={active ? `Views: ${active.name}` : "Views"}
        onWanted={() => setWanted(true)}
        entries={[
          ...views.map((view) => ({ label: view.name, hint: view.shared ? "shared" : "yours", onSelect: () => onSearch(view.search) })),
          { label: "Keep this view…", lacks: isPlain ? "Nothing is narrowed." : undefined, onSelect: () => setNaming(true) },
          ...(active ? [{ label: `Forget ${active.name}`, isDanger: true, onSelect: () => void forget() }] : []),
        ]}
      />
      {isNaming && <Naming search={search} onClose={() => setNaming(false)} onDone={(kept) => { again(); onSearch(kept); }} />}
    </>
  );
}

function Naming({ search, onClose, onDone }: { search: RunSearch; onClose: () => void; onDone: (kept: RunSearch) => void }) {
  const workspaceId = useWorkspaceId();
  const [name, setName] = useState("");
  const [isShared, setShared] = useState(false);
  const create = useAct(SavedViewCreateDocument, { isQuiet: true });
  const [filter] = useState(() => keptOf(search, Date.now()));
  const save = async (): Promise<void> => {
    if (workspaceId === undefined) return;
    if (!(await create.act({ input: { workspaceId, name: name.trim(), page: PAGE, filter, shared: isShared } }))) return;
    tell("The view is kept.");
    onClose();
    onDone(filter);
  };
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Keep this view"
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary isBusy={create.isBusy} lacks={name.trim() === "" ? "It needs a name." : undefined} onClick={() => void save()}>Keep the view</Button>
        </>
      }
    >
      {otherRefusals(create.refusals, ["name"]).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <TextField label="Name" isRequired value={name} problem={refusalAt(create.refusals, "name")} onChange={setName} />
      {filter.last !== undefined && <p className="faint m-0 text-[13px]">{`It shows ${lastInWords(filter.last)}, whenever it is opened.`}</p>}
      <CheckField label="Everybody in the workspace sees it" hint="That takes the permission runs:write." isOn={isShared} onChange={setShared} />
    </Dialog>
  );
}
