/** A work pool to make or to change. */
import { useState } from "react";
import { type PoolRowFragment, PoolUpsertDocument } from "@/generated/graphql";
import { useEdited } from "@/lib/edited";
import { readJson } from "@/lib/json";
import { useWorkspaceId } from "@/lib/workspace";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Dialog } from "@/ui/Dialog";
import { AreaField, SelectField, TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

const TYPES = ["process", "docker", "kubernetes", "ecs"] as const;

export interface PoolFormProps {
  /** Undefined makes a new one. */
  pool: (PoolRowFragment & { baseJobTemplate: unknown }) | undefined;
  onClose: () => void;
  onDone: () => void;
}

export function PoolForm({ pool, onClose, onDone }: PoolFormProps) {
  const workspaceId = useWorkspaceId();
  const [name, setName] = useState(pool?.name ?? "");
  const [type, setType] = useState(pool?.type ?? "process");
  const [limit, setLimit] = useState(pool?.concurrencyLimit?.toString() ?? "");
  const [template, setTemplate] = useState(() => JSON.stringify(pool?.baseJobTemplate ?? {}, null, 2));
  const upsert = useAct(PoolUpsertDocument, { isQuiet: true });
  const edited = useEdited(pool);
  const read = readJson(template);
  const isLimit = limit.trim() === "" || /^\d+$/.test(limit.trim());
  const refused = (field: string): string | undefined => upsert.refusals.find(({ path }) => path?.[0] === field)?.message;
  const known = ["name", "type", "concurrencyLimit", "baseJobTemplate"];
  const save = async (): Promise<void> => {
    if (workspaceId === undefined) return;
    const payload = await upsert.act({
      input: {
        workspaceId,
        name: name.trim(),
        type,
        concurrencyLimit: limit.trim() === "" ? null : Number(limit),
        baseJobTemplate: read.value,
        expectedVersion: edited.expectedVersion,
      },
    });
    if (!payload) return;
    tell(pool ? "The pool is changed." : "The pool is made.");
    onClose();
    onDone();
  };
  const types = TYPES.some((each) => each === type) ? TYPES : [...TYPES, type];
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={pool ? `Work pool ${pool.name}` : "New work pool"}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="POOLS_WRITE" isBusy={upsert.isBusy} lacks={read.problem ?? (name.trim() === "" ? "It needs a name." : isLimit ? undefined : "The limit is a whole number.")} onClick={() => void save()}>
            {pool ? "Change the pool" : "Make the pool"}
          </Button>
        </>
      }
    >
      <Changed edited={edited} />
      {upsert.refusals.filter(({ path }) => !known.includes(path?.[0] ?? "")).map(({ message }) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      {!pool && <TextField label="Name" isRequired value={name} problem={refused("name")} onChange={setName} />}
      {!pool && <SelectField label="Type" hint="How its agents start a run." value={type} problem={refused("type")} choices={types.map((each) => ({ value: each, label: each }))} onChange={setType} />}
      <TextField label="At once" inputMode="numeric" className="num" hint="As many as its agents take, where it is left empty." value={limit} problem={refused("concurrencyLimit") ?? (isLimit ? undefined : "This has to be a whole number.")} onChange={setLimit} />
      <AreaField label="Template of its jobs" spellCheck={false} rows={8} hint="JSON: variables is a JSON Schema of the job variables with their defaults, job_configuration what the pool says itself. Runs that wait take the new one." value={template} problem={refused("baseJobTemplate") ?? read.problem} onChange={setTemplate} />
    </Dialog>
  );
}
