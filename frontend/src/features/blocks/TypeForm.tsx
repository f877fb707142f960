/** A type of blocks to make or to change: its name, and which fields its blocks have. */
import { useState } from "react";
import { BlockSchemaRegisterDocument, type BlockTypeRowFragment, BlockTypeUpsertDocument } from "@/generated/graphql";
import { FIRST_FIELDS, readFields } from "@/features/blocks/types";
import { useEdited } from "@/lib/edited";
import { slugOf } from "@/lib/slugs";
import { useWorkspaceId } from "@/lib/workspace";
import { otherRefusals, refusalAt, useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { Changed } from "@/ui/Changed";
import { Dialog } from "@/ui/Dialog";
import { AreaField, TextField } from "@/ui/fields";
import { tell } from "@/ui/toasts";

export interface TypeFormProps {
  /** Undefined makes a new one. */
  type: BlockTypeRowFragment | undefined;
  onClose: () => void;
  onDone: () => void;
}

export function TypeForm({ type, onClose, onDone }: TypeFormProps) {
  const workspaceId = useWorkspaceId();
  const newest = type?.schemas.nodes[0];
  const [name, setName] = useState(type?.name ?? "");
  const [own, setOwn] = useState<string>();
  const [description, setDescription] = useState(type?.description ?? "");
  const [text, setText] = useState(newest ? JSON.stringify(newest.fields, null, 2) : FIRST_FIELDS);
  const upsert = useAct(BlockTypeUpsertDocument, { isQuiet: true });
  const register = useAct(BlockSchemaRegisterDocument, { isQuiet: true });
  const slug = type?.slug ?? own ?? slugOf(name);
  const read = readFields(text);
  const problem = "problem" in read ? read.problem : undefined;
  const edited = useEdited(type);
  // Where its fields were refused, the type itself is there already: it is this one that the next attempt changes.
  const [ownVersion, setOwnVersion] = useState<{ slug: string; version: number }>();
  const refused = otherRefusals([...upsert.refusals, ...register.refusals], type ? [] : ["slug"]).map(({ message }) => message);
  const lacks = name.trim() === "" ? "Give it a name." : slug === "" ? "Say what it is called in code." : problem;
  const save = async (): Promise<void> => {
    if (workspaceId === undefined || "problem" in read) return;
    const made = await upsert.act({ input: { workspaceId, slug, name: name.trim(), description: description.trim() || null, expectedVersion: (ownVersion?.slug === slug ? ownVersion.version : undefined) ?? edited.expectedVersion } });
    if (!made?.blockType) return;
    setOwnVersion({ slug, version: made.blockType.version });
    const kept = newest ? { capabilities: newest.capabilities, secretPaths: newest.secretPaths } : {};
    if (!(await register.act({ input: { blockTypeId: made.blockType.id, fields: read.fields, ...kept } }))) return;
    tell(type ? "The type is changed. Blocks that exist stay as they are." : "The type is there.");
    onClose();
    onDone();
  };
  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={type ? `Type ${type.name}` : "New type of blocks"}
      foot={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button isPrimary needs="BLOCKS_WRITE" isBusy={upsert.isBusy || register.isBusy} lacks={lacks} onClick={() => void save()}>{type ? "Change the type" : "Make the type"}</Button>
        </>
      }
    >
      <Changed edited={{ ...edited, isBehind: edited.isBehind && ownVersion === undefined }} />
      {refused.map((message) => <p key={message} role="alert" className="field-problem">{message}</p>)}
      <TextField label="Name" isRequired value={name} onChange={setName} autoComplete="off" />
      {!type && <TextField label="In code" isRequired className="mono" value={slug} onChange={setOwn} problem={refusalAt(upsert.refusals, "slug")} hint="Lower-case letters, digits and hyphens; it never changes." autoComplete="off" />}
      <AreaField label="What it is for" value={description} onChange={setDescription} hint="Markdown." rows={2} />
      <AreaField
        label="Fields"
        isRequired
        value={text}
        onChange={setText}
        problem={problem}
        hint={<>A JSON Schema. Fields with <code>writeOnly</code> or the format <code>password</code> are secret: they go in and do not come out.</>}
        rows={12}
        spellCheck={false}
      />
    </Dialog>
  );
}
