/** Filling in a block, new or there already. */
import { useState } from "react";
import { BlockFields, type SecretStanding } from "@/features/blocks/BlockFields";
import { secretsOf, shapesOf, withoutSecrets, withValue } from "@/features/blocks/shapes";
import { BlockDocumentUpsertDocument, type BlockTypeRowFragment } from "@/generated/graphql";
import { useAct } from "@/ui/act";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/Feedback";
import { TextField } from "@/ui/fields";

export interface BlockFormProps {
  workspaceId: string;
  type: BlockTypeRowFragment;
  /** Undefined makes one. */
  block: { name: string; version: number; data: unknown; secrets: readonly SecretStanding[] } | undefined;
  onSaved: (name: string) => void;
}

export function BlockForm({ workspaceId, type, block, onSaved }: BlockFormProps) {
  const schema = type.schemas.nodes[0];
  const shapes = shapesOf(schema?.fields, schema?.secretPaths ?? []);
  const secretShapes = secretsOf(shapes);
  const [name, setName] = useState(block?.name ?? "");
  const [data, setData] = useState(() => withoutSecrets(block?.data, secretShapes.map(({ parts }) => parts)));
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const [unread, setUnread] = useState<ReadonlyMap<string, string>>(new Map());
  const upsert = useAct(BlockDocumentUpsertDocument, { isQuiet: true });
  if (!schema) return <EmptyState title="This type has no fields yet: register it, and they appear." />;
  const setSecret = (path: string, value: string | undefined): void => {
    const { [path]: _before, ...rest } = secrets;
    setSecrets(value === undefined ? rest : { ...rest, [path]: value });
  };
  const save = async (): Promise<void> => {
    if (unread.size > 0) return;
    const given = Object.entries(secrets).filter(([, value]) => value !== "");
    const done = await upsert.act({
      input: {
        workspaceId,
        typeSlug: type.slug,
        name: name.trim(),
        data,
        secrets: given.map(([path, value]) => ({ path, value })),
        expectedVersion: block?.version ?? 0,
      },
    });
    if (!done?.blockDocument) return;
    setSecrets({});
    onSaved(done.blockDocument.name);
  };
  const problems = new Map(upsert.refusals.flatMap(({ path, message }) => (path ? [[path.filter((part) => part !== "data").join("."), message] as const] : [])));
  const known = new Set([...shapes.map(({ path }) => path), ...secretShapes.map(({ path }) => path), "name"]);
  const others = upsert.refusals.filter(({ path }) => !known.has((path ?? []).filter((part) => part !== "data").join(".")));
  const lacks = name.trim() === "" ? "Give it a name." : unread.size > 0 ? `Mend what is no JSON first: ${[...unread.keys()].join(", ")}.` : undefined;
  return (
    <form
      className="form pane"
      aria-label={type.name}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {!block && <TextField label="Name" isRequired value={name} onChange={setName} problem={problems.get("name")} hint={<code>{`${type.slug}/${name || "…"}`}</code>} className="mono" autoComplete="off" />}
      <BlockFields
        shapes={shapes}
        data={data}
        onData={(parts, value) => setData((before) => withValue(before, parts, value))}
        standing={block?.secrets ?? []}
        secrets={secrets}
        onSecret={setSecret}
        problems={problems}
        onUnread={(path, problem) => setUnread((before) => new Map([...before].filter(([other]) => other !== path).concat(problem === undefined ? [] : [[path, problem]])))}
      />
      {others.length > 0 && <p className="field-problem" role="alert">{others.map(({ message }) => message).join(" ")}</p>}
      <span><Button isPrimary needs="BLOCKS_WRITE" isBusy={upsert.isBusy} lacks={lacks} onClick={() => void save()}>{block ? "Save" : "Make it"}</Button></span>
    </form>
  );
}
