/** What a JSON Schema asks for, as far as a form can show it; the rest of it is left to a field of JSON. */

export interface Schema {
  readonly [keyword: string]: unknown;
}

export type Kind = "text" | "number" | "boolean" | "null" | "choice" | "union" | "list" | "object" | "json";

const MOST_REFERENCES = 20;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asSchema(value: unknown): Schema {
  return isRecord(value) ? value : {};
}

function pointed(root: Schema, reference: string): Schema | undefined {
  if (!reference.startsWith("#")) return undefined;
  let at: unknown = root;
  for (const part of reference.slice(1).split("/").filter(Boolean)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isRecord(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name];
  }
  return asSchema(at);
}

/** A schema without references: what stands beside one wins over what it points to. */
export function resolve(schema: Schema, root: Schema): Schema {
  let at = schema;
  for (let step = 0; step < MOST_REFERENCES; step += 1) {
    const { $ref: reference, allOf, ...own } = at;
    if (typeof reference === "string") {
      const found = pointed(root, reference);
      if (!found) return { ...own };
      at = { ...found, ...own, ...(Array.isArray(allOf) ? { allOf } : {}) };
    } else if (Array.isArray(allOf) && allOf.length === 1) {
      at = { ...asSchema(allOf[0]), ...own };
    } else {
      return at;
    }
  }
  return {};
}

const OF_TYPE: Readonly<Record<string, Kind>> = {
  string: "text", number: "number", integer: "number", boolean: "boolean", null: "null", array: "list", object: "object",
};

/** How a resolved schema is shown. */
export function kindOf(schema: Schema): Kind {
  if (Array.isArray(schema["allOf"]) || isRecord(schema["if"])) return "json";
  if (Array.isArray(schema["enum"]) || Object.hasOwn(schema, "const")) return "choice";
  if (branchesOf(schema).length > 0) return "union";
  const { type } = schema;
  if (typeof type === "string") return OF_TYPE[type] ?? "json";
  return isRecord(schema["properties"]) ? "object" : "json";
}

/** The schemas of which one holds; none where a value has one form only. */
export function branchesOf(schema: Schema): Schema[] {
  const { anyOf, oneOf, type, ...own } = schema;
  const choices = Array.isArray(anyOf) ? anyOf : oneOf;
  if (Array.isArray(choices) && choices.length > 0) return choices.map(asSchema);
  if (Array.isArray(type) && type.length > 0) return type.map((each: unknown) => ({ ...own, type: each }));
  return [];
}

/** What can be chosen of an enumeration or a constant. */
export function choicesOf(schema: Schema): readonly unknown[] {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  return Array.isArray(schema["enum"]) ? schema["enum"] : [];
}

export function requiredOf(schema: Schema): ReadonlySet<string> {
  const { required } = schema;
  return new Set(Array.isArray(required) ? required.filter((each): each is string => typeof each === "string") : []);
}

/** Declared properties, in the order of the schema. */
export function propertiesOf(schema: Schema): [string, Schema][] {
  const properties = schema["properties"];
  return isRecord(properties) ? Object.entries(properties).map(([name, each]) => [name, asSchema(each)]) : [];
}

/** The schema of what is not declared, or undefined where nothing else may be there. */
export function additionalOf(schema: Schema): Schema | undefined {
  const additional = schema["additionalProperties"];
  return additional === false ? undefined : asSchema(additional);
}

/** The schema of a list's item at a place. */
export function itemOf(schema: Schema, index: number): Schema {
  const { prefixItems } = schema;
  if (Array.isArray(prefixItems) && index < prefixItems.length) return asSchema(prefixItems[index]);
  return asSchema(schema["items"]);
}

/** Whether two JSON values are the same, whatever the order of their names. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (one === 0 && other === 0) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]));
  }
  if (!isRecord(one) || !isRecord(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}

/** Whether a value has the form that a schema asks for; its bounds are not looked at. */
export function fits(schema: Schema, value: unknown, root: Schema): boolean {
  const resolved = resolve(schema, root);
  switch (kindOf(resolved)) {
    case "choice":
      return choicesOf(resolved).some((each) => isSame(each, value));
    case "union":
      return branchesOf(resolved).some((branch) => fits(branch, value, root));
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number" && (resolved["type"] !== "integer" || Number.isInteger(value));
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "list":
      return Array.isArray(value) && value.every((each, index) => fits(itemOf(resolved, index), each, root));
    case "object":
      return isRecord(value) && fitsObject(resolved, value, root);
    case "json":
      return true;
  }
}

function fitsObject(schema: Schema, value: Record<string, unknown>, root: Schema): boolean {
  const declared = new Map(propertiesOf(schema));
  const additional = additionalOf(schema);
  return (
    [...requiredOf(schema)].every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, each]) => {
      const of = declared.get(name) ?? additional;
      return of !== undefined && fits(of, each, root);
    })
  );
}
