import { describe, expect, test } from "vitest";
import { type Draft, draftOf, emptyDraft, valueOf } from "@/ui/schema/drafts";
import { problemsOf } from "@/ui/schema/problems";
import { lift, randomCase, randomFrom, randomValue } from "@/ui/schema/random_schemas";
import { fits, isSame } from "@/ui/schema/schemas";

const SCHEMAS = 500;
const VALUES = 4;

function isShown(draft: Draft): boolean {
  return draft.kind !== "json";
}

describe("500 random schemas", () => {
  test("every value of each survives form → JSON → form, without a complaint", () => {
    const kinds = new Map<string, number>();
    for (let seed = 0; seed < SCHEMAS; seed += 1) {
      const random = randomFrom(seed);
      const made = randomCase(random);
      const schema = lift(made.schema);
      for (let turn = 0; turn < VALUES; turn += 1) {
        const value = made.value(random);
        const draft = draftOf(schema, value, schema);
        kinds.set(draft.kind, (kinds.get(draft.kind) ?? 0) + 1);
        const sent: unknown = JSON.parse(JSON.stringify(valueOf(draft)));

        expect(isSame(sent, value), `seed ${seed}: ${JSON.stringify(value)} became ${JSON.stringify(sent)}`).toBe(true);
        expect(draftOf(schema, sent, schema), `seed ${seed}`).toEqual(draft);
        expect([...problemsOf(schema, draft, schema)], `seed ${seed}`).toEqual([]);
      }
    }
    for (const kind of ["text", "number", "boolean", "null", "choice", "union", "list", "object"]) {
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(20);
    }
  });

  test("a value that a schema does not take is kept as it is", () => {
    let foreign = 0;
    for (let seed = 0; seed < SCHEMAS; seed += 1) {
      const random = randomFrom(seed);
      const schema = lift(randomCase(random).schema);
      const value = randomValue(random);
      const draft = draftOf(schema, value, schema);

      expect(isSame(valueOf(draft), value), `seed ${seed}`).toBe(true);
      if (!fits(schema, value, schema)) {
        foreign += 1;
        expect(isShown(draft), `seed ${seed}`).toBe(false);
      }
    }
    expect(foreign).toBeGreaterThan(SCHEMAS / 4);
  });

  test("a form begins for each of them", () => {
    for (let seed = 0; seed < SCHEMAS; seed += 1) {
      const schema = lift(randomCase(randomFrom(seed)).schema);

      expect(() => problemsOf(schema, emptyDraft(schema, schema), schema), `seed ${seed}`).not.toThrow();
    }
  });
});

describe("schemas as Python writes them", () => {
  const schema = {
    type: "object",
    properties: {
      since: { type: "string", format: "date" },
      limit: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }], default: null },
      region: { $ref: "#/$defs/Region" },
      tree: { $ref: "#/$defs/Tree" },
    },
    required: ["since", "region"],
    $defs: {
      Region: { enum: ["eu", "us"], type: "string", title: "Region" },
      Tree: { type: "object", properties: { children: { type: "array", items: { $ref: "#/$defs/Tree" } } }, required: ["children"] },
    },
  };

  test("what is required is asked for, defaults are filled in, and the rest is left out", () => {
    const draft = emptyDraft(schema, schema);

    expect(valueOf(draft)).toEqual({ since: "", limit: null });
    expect([...problemsOf(schema, draft, schema).keys()]).toEqual(["region"]);
  });

  test("one that refers to itself can be filled in to any depth", () => {
    const value = { since: "2026-11-28", region: "eu", tree: { children: [{ children: [{ children: [] }] }] } };

    expect(valueOf(draftOf(schema, value, schema))).toEqual(value);
  });

  test("bounds are said where they are passed", () => {
    const draft = draftOf(schema, { since: "x", region: "us", limit: 0 }, schema);

    expect([...problemsOf(schema, draft, schema)]).toEqual([["limit", "At least 1, please."]]);
  });
});
