/** What the API consists of: its types and their fields, to read and to search. */
import { type GraphQLArgument, type GraphQLNamedType, type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType, isUnionType } from "graphql";
import { useMemo, useState } from "react";

const MOST_FOUND = 60;

export function Docs({ schema }: { schema: GraphQLSchema }) {
  const [path, setPath] = useState<string[]>([]);
  const [text, setText] = useState("");
  const name = path.at(-1);
  const type = name === undefined ? undefined : schema.getType(name);
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const types = Object.values(schema.getTypeMap()).filter((each) => !each.name.startsWith("__"));
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((each) => each ?? []);
    return wanted === "" ? roots : types.filter((each) => each.name.toLowerCase().includes(wanted)).slice(0, MOST_FOUND);
  }, [schema, text]);
  const open = (next: string): void => setPath([...path, next]);
  return (
    <section className="docs" aria-label="What there is">
      <input className="input" type="search" aria-label="Name of a type" placeholder="Types: FlowRun, Deployment…" value={text} onChange={(event) => {
        setText(event.target.value);
        setPath([]);
      }} />
      {path.length > 0 && <button type="button" className="button is-small justify-self-start" onClick={() => setPath(path.slice(0, -1))}>← {path.at(-2) ?? "All"}</button>}
      {type ? <OneType type={type} onOpen={open} /> : (
        <ul className="docs-list">
          {found.map((each) => <li key={each.name}><TypeLink name={each.name} onOpen={open} /><p>{each.description}</p></li>)}
        </ul>
      )}
    </section>
  );
}

function TypeLink({ name, onOpen }: { name: string; onOpen: (name: string) => void }) {
  return <button type="button" className="docs-type" onClick={() => onOpen(name.replaceAll(/[[\]!]/g, ""))}>{name}</button>;
}

function OneType({ type, onOpen }: { type: GraphQLNamedType; onOpen: (name: string) => void }) {
  return (
    <>
      <h2 className="docs-name">{type.name}</h2>
      {type.description && <p className="m-0">{type.description}</p>}
      <ul className="docs-list">
        {(isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)) &&
          Object.values(type.getFields()).map((field) => (
            <li key={field.name}>
              <code>{field.name}</code>
              {"args" in field && field.args.length > 0 && <code className="faint">{`(${field.args.map((each: GraphQLArgument) => `${each.name}: ${String(each.type)}`).join(", ")})`}</code>}
              <TypeLink name={String(field.type)} onOpen={onOpen} />
              <p>{field.description}</p>
            </li>
          ))}
        {isEnumType(type) && type.getValues().map((value) => <li key={value.name}><code>{value.name}</code><p>{value.description}</p></li>)}
        {isUnionType(type) && type.getTypes().map((each) => <li key={each.name}><TypeLink name={each.name} onOpen={onOpen} /></li>)}
      </ul>
    </>
  );
}
