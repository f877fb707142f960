/** What a block consists of: fields out of a JSON Schema, with which of them are secret. */

export interface Shape {
  /** Where it is in the data: login.password. */
  path: string;
  parts: readonly string[];
  title: string;
  hint: string | undefined;
  isRequired: boolean;
  kind: "text" | "number" | "check" | "choice" | "group" | "json" | "secret";
  choices: readonly string[];
  fields: readonly Shape[];
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As the server joins paths: a dot or backslash in a part follows a backslash. */
export function pathOf(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll("\\", "\\\\").replaceAll(".", "\\.")).join(".");
}

function targetOf(schema: unknown, root: Json, depth: number): Json {
  if (!isObject(schema)) return {};
  const reference = schema["$ref"];
  if (typeof reference !== "string" || !reference.startsWith("#/") || depth > 20) return schema;
  let found: unknown = root;
  for (const part of reference.slice(2).split("/")) found = isObject(found) ? found[part] : undefined;
  return targetOf(found, root, depth + 1);
}

function kindOf(schema: Json, isSecret: boolean): Shape["kind"] {
  if (isSecret) return "secret";
  const choices = schema["enum"];
  if (Array.isArray(choices) && choices.every((each) => typeof each === "string")) return "choice";
  switch (schema["type"]) {
    case "string":
      return "text";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "check";
    case "object":
      return isObject(schema["properties"]) ? "group" : "json";
    default:
      return "json";
  }
}

function titleOf(schema: Json, name: string): string {
  const title = schema["title"];
  if (typeof title === "string" && title) return title;
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The fields of an object's schema, what is required first and groups last; ``secretPaths`` are as the server names them. */
export function shapesOf(fields: unknown, secretPaths: readonly string[]): Shape[] {
  const root = isObject(fields) ? fields : {};
  const secret = new Set(secretPaths);
  const within = (schema: Json, parents: readonly string[], depth: number): Shape[] => {
    const properties = isObject(schema["properties"]) ? schema["properties"] : {};
    const required = Array.isArray(schema["required"]) ? schema["required"] : [];
    const shapes = Object.entries(properties).map(([name, given]): Shape => {
      const own = targetOf(given, root, 0);
      const parts = [...parents, name];
      const path = pathOf(parts);
      const kind = depth > 8 ? "json" : kindOf(own, secret.has(path));
      const said = own["description"];
      const choices = own["enum"];
      return {
        path,
        parts,
        kind,
        title: titleOf(own, name),
        hint: typeof said === "string" ? said : undefined,
        isRequired: required.includes(name),
        choices: kind === "choice" && Array.isArray(choices) ? choices.map(String) : [],
        fields: kind === "group" ? within(own, parts, depth + 1) : [],
      };
    });
    const rank = ({ kind, isRequired }: Shape): number => (kind === "group" ? 2 : 0) + (isRequired ? 0 : 1);
    return shapes.toSorted((one, other) => rank(one) - rank(other));
  };
  return within(root, [], 0);
}

export function valueAt(data: unknown, parts: readonly string[]): unknown {
  let found: unknown = data;
  for (const part of parts) found = isObject(found) ? found[part] : undefined;
  return found;
}

/** The data with one value set, or taken away where it is undefined; empty objects go with it. */
export function withValue(data: Json, parts: readonly string[], value: unknown): Json {
  const [first, ...rest] = parts;
  if (first === undefined) return data;
  const { [first]: before, ...others } = data;
  const next = rest.length === 0 ? value : withValue(isObject(before) ? before : {}, rest, value);
  const isGone = next === undefined || (rest.length > 0 && isObject(next) && Object.keys(next).length === 0 && value === undefined);
  return isGone ? others : { ...others, [first]: next };
}

/** What was read, without what stands in the place of secrets. */
export function withoutSecrets(data: unknown, paths: readonly (readonly string[])[]): Json {
  let left: Json = isObject(data) ? data : {};
  for (const parts of paths) left = withValue(left, parts, undefined);
  return left;
}

/** All secret fields, at any depth. */
export function secretsOf(shapes: readonly Shape[]): Shape[] {
  return shapes.flatMap((shape) => (shape.kind === "secret" ? [shape] : secretsOf(shape.fields)));
}
