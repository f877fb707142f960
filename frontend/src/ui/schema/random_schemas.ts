/** Random JSON Schemas, each with values that it takes; the same for the same seed. */
import type { Schema } from "@/ui/schema/schemas";

export type Random = () => number;

/** Mulberry32: small, and good enough to choose test cases. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const WORDS = ["", "a", "rows", "region", "Zürich", "<script>", "שלום", "a\nb", "null", "0", "__proto__", "a.b", "x".repeat(200), "🜁"];
const NAMES = ["name", "count", "since", "options", "a b", "toString", "0", "ключ", "a/b~c"];

export function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[Math.floor(random() * values.length)] as Value;
}

function some(random: Random, most: number): number {
  return Math.floor(random() * (most + 1));
}

export function randomValue(random: Random, depth = 2): unknown {
  const kind = some(random, depth > 0 ? 6 : 4);
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return some(random, 2_000_000) - 1_000_000;
  if (kind === 3) return (random() - 0.5) * 10 ** some(random, 12);
  if (kind === 4) return pick(random, WORDS);
  if (kind === 5) return Array.from({ length: some(random, 3) }, () => randomValue(random, depth - 1));
  return Object.fromEntries(names(random, 3).map((name) => [name, randomValue(random, depth - 1)]));
}

function names(random: Random, most: number): string[] {
  return [...new Set(Array.from({ length: some(random, most) }, () => pick(random, NAMES)))];
}

export interface Case {
  schema: Schema;
  value: (random: Random) => unknown;
}

const SIMPLE: readonly ((random: Random) => Case)[] = [
  () => ({ schema: { type: "string" }, value: (random) => pick(random, WORDS) }),
  () => ({ schema: { type: "string", format: "date-time" }, value: () => "2026-11-28T09:30:00Z" }),
  () => ({ schema: { type: "integer" }, value: (random) => some(random, 1_000_000_000) - 500_000_000 }),
  () => ({ schema: { type: "number" }, value: (random) => (random() - 0.5) * 10 ** (some(random, 40) - 20) }),
  () => ({ schema: { type: "boolean" }, value: (random) => random() < 0.5 }),
  () => ({ schema: { type: "null" }, value: () => null }),
  () => ({ schema: {}, value: (random) => randomValue(random) }),
  (random) => choice(Array.from({ length: 1 + some(random, 3) }, () => randomValue(random, 1))),
  (random) => constant(randomValue(random, 1)),
  () => ({ schema: { type: ["string", "null", "integer"] }, value: (random) => pick(random, ["", "word", null, 7]) }),
];

function choice(values: readonly unknown[]): Case {
  return { schema: { enum: values }, value: (random) => pick(random, values) };
}

function constant(value: unknown): Case {
  return { schema: { const: value }, value: () => value };
}

/** One case; nested ones to a depth, through references too. */
export function randomCase(random: Random, depth = 3): Case {
  if (depth === 0 || random() < 0.3) return pick(random, SIMPLE)(random);
  return pick(random, [listCase, tupleCase, objectCase, mapCase, unionCase, referenceCase])(random, depth - 1);
}

function listCase(random: Random, depth: number): Case {
  const item = randomCase(random, depth);
  return { schema: { type: "array", items: item.schema }, value: (next) => Array.from({ length: some(next, 3) }, () => item.value(next)) };
}

function tupleCase(random: Random, depth: number): Case {
  const items = Array.from({ length: 1 + some(random, 2) }, () => randomCase(random, depth));
  return { schema: { type: "array", prefixItems: items.map((each) => each.schema), items: false }, value: (next) => items.map((each) => each.value(next)) };
}

function objectCase(random: Random, depth: number): Case {
  const fields = names(random, 5).map((name) => ({ name, each: randomCase(random, depth), isRequired: random() < 0.5 }));
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries(fields.map(({ name, each }) => [name, each.schema])),
      required: fields.filter((field) => field.isRequired).map((field) => field.name),
      ...(random() < 0.5 ? { additionalProperties: false } : {}),
    },
    value: (next) => Object.fromEntries(fields.filter(({ isRequired }) => isRequired || next() < 0.5).map(({ name, each }) => [name, each.value(next)])),
  };
}

function mapCase(random: Random, depth: number): Case {
  const each = randomCase(random, depth);
  return {
    schema: { type: "object", additionalProperties: each.schema },
    value: (next) => Object.fromEntries([...new Set(Array.from({ length: some(next, 3) }, () => pick(next, WORDS)))].map((name) => [name, each.value(next)])),
  };
}

function unionCase(random: Random, depth: number): Case {
  const branches = Array.from({ length: 2 + some(random, 1) }, () => randomCase(random, depth));
  const keyword = random() < 0.5 ? "anyOf" : "oneOf";
  return { schema: { [keyword]: branches.map((each) => each.schema), title: "One of these" }, value: (next) => pick(next, branches).value(next) };
}

/** A definition inside the schema would have to be lifted to its root: `lift` does, once all are made. */
function referenceCase(random: Random, depth: number): Case {
  const target = randomCase(random, depth);
  return { schema: { $lift: target.schema, description: "By reference" }, value: target.value };
}

/** A schema with what its references point to. */
export function lift(schema: Schema): Schema {
  const definitions: Record<string, unknown> = {};
  const walk = (at: unknown): unknown => {
    if (Array.isArray(at)) return at.map(walk);
    if (typeof at !== "object" || at === null) return at;
    const entries = Object.entries(at).map(([name, each]) => [name, name === "enum" || name === "const" ? each : walk(each)] as const);
    const { $lift: target, ...rest } = Object.fromEntries(entries);
    if (target === undefined) return rest;
    const name = `Part${Object.keys(definitions).length}`;
    definitions[name] = target;
    return { ...rest, $ref: `#/$defs/${name}` };
  };
  const whole = walk(schema) as Schema;
  return { ...whole, $defs: definitions };
}
