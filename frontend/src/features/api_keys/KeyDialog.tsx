/** Making a key: whose, what it may do at most, where, and until when. */
import { useState } from "react";
import { endOf } from "@/features/api_keys/keys";
import { ApiKeyCreateDocument, type OwnApiKeysQuery, type Scope } from "@/generated/graphql";
import { SCOPE_GROUPS } from "@/lib/scopeGroups";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Choices } from "@/ui/Choices";
import { Dialog } from "@/ui/Dialog";
import { SelectField, TextField } from "@/ui/fields";

const PURPOSES: readonly { value: string; label: string; scopes: readonly Scope[] | undefined }[] = [
  {
    value: "deploy",
    label: "Deploy and run flows",
    scopes: ["FLOWS_READ", "FLOWS_WRITE", "RUNS_READ", "RUNS_WRITE", "RUNS_EXECUTE", "LOGS_READ", "LOGS_WRITE", "ARTIFACTS_READ", "ARTIFACTS_WRITE", "VARIABLES_READ", "BLOCKS_READ", "BLOCKS_USE", "POOLS_READ", "EVENTS_WRITE"],
  },
  { value: "agent", label: "Be an agent", scopes: ["AGENTS_CONNECT"] },
  { value: "read", label: "Only read", scopes: ["ORG_READ", "FLOWS_READ", "RUNS_READ", "LOGS_READ", "ARTIFACTS_READ", "VARIABLES_READ", "BLOCKS_READ", "POOLS_READ", "EVENTS_READ"] },
  { value: "own", label: "Chosen one by one", scopes: undefined },
];
const ENDS = [
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
  { value: "", label: "Never" },
] as const;

export interface KeyDialogProps {
  data: OwnApiKeysQuery;
  isOpen: boolean;
  onClose: () => void;
  onSecret: (secret: string) => void;
  /** Whose it is to be, where that is known already. */
  owner: string | undefined;
}

export function KeyDialog({ data, isOpen, onClose, onSecret, owner }: KeyDialogProps) {
  const { viewer, organization } = data;
  const create = useAct(ApiKeyCreateDocument, { isQuiet: true });
  const [name, setName] = useState("");
  const [ownerId, setOwnerId] = useState(owner ?? viewer.actor.id);
  const [purpose, setPurpose] = useState("deploy");
  const [own, setOwn] = useState<Scope[]>([]);
  const [workspaceId, setWorkspaceId] = useState("");
  const [days, setDays] = useState("90");
  const scopes = PURPOSES.find(({ value }) => value === purpose)?.scopes?.filter((scope) => viewer.scopes.includes(scope)) ?? own;
  const save = async (): Promise<void> => {
    const expiresAt = endOf(days, Date.now());
    const done = await create.act({
      input: { ownerId, name: name.trim(), scopes, ...(workspaceId ? { workspaceId } : {}), ...(expiresAt ? { expiresAt } : {}) },
    });
    if (!done?.secret) return;
    onClose();
    setName("");
    onSecret(done.secret);
  };
  const lacks = !name.trim() ? "Give it a name." : scopes.length === 0 ? "Choose at least one permission." : undefined;
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title="New API key"
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button isPrimary isBusy={create.isBusy} lacks={lacks} onClick={() => void save()}>Make it</Button>
        </>
      }
    >
      <TextField label="Name" isRequired value={name} onChange={setName} hint="Where it will be: laptop, ci." autoComplete="off" />
      <SelectField
        label="Speaks for"
        value={ownerId}
        onChange={setOwnerId}
        choices={[{ value: viewer.actor.id, label: `You, ${viewer.actor.displayName}` }, ...(organization?.serviceAccounts.nodes ?? []).map(({ id, displayName }) => ({ value: id, label: displayName }))]}
        hint="It may never do more than whom it speaks for."
      />
      <SelectField label="For" value={purpose} onChange={setPurpose} choices={PURPOSES} />
      {purpose === "own" &&
        SCOPE_GROUPS.map((group) => (
          <Choices
            key={group.title}
            label={group.title}
            choices={group.scopes.filter(({ scope }) => viewer.scopes.includes(scope)).map(({ scope, says }) => ({ value: scope, label: says }))}
            chosen={own}
            onChange={setOwn}
          />
        ))}
      <div className="form-row">
        <SelectField
          label="Where"
          value={workspaceId}
          onChange={setWorkspaceId}
          choices={[{ value: "", label: "Every workspace" }, ...(organization?.workspaces.nodes ?? []).map((workspace) => ({ value: workspace.id, label: workspace.name }))]}
        />
        <SelectField label="Ends" value={days} onChange={setDays} choices={ENDS} />
      </div>
      {create.refusals.length > 0 && <p className="field-problem" role="alert">{create.refusals.map(({ message }) => message).join(" ")}</p>}
    </Dialog>
  );
}
