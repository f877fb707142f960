import { describe, expect, test } from "vitest";
import { pathOf, secretsOf, shapesOf, valueAt, withoutSecrets, withValue } from "@/features/blocks/shapes";

const FIELDS = {
  type: "object",
  required: ["host"],
  properties: {
    host: { type: "string", title: "Host" },
    port: { type: "integer", description: "Where it listens." },
    mode: { type: "string", enum: ["read", "write"] },
    is_tls: { type: "boolean" },
    login: { $ref: "#/$defs/login" },
    extra: { type: "array" },
  },
  $defs: { login: { type: "object", properties: { user: { type: "string" }, "pass.word": { type: "string" } } } },
};
const SHAPES = shapesOf(FIELDS, ["login.pass\\.word"]);

describe("the fields of a block", () => {
  test("have the kinds of their schemas, through references", () => {
    expect(SHAPES.map(({ path, kind }) => [path, kind])).toEqual([
      ["host", "text"], ["port", "number"], ["mode", "choice"], ["is_tls", "check"], ["extra", "json"], ["login", "group"],
    ]);
    expect(SHAPES[0]).toMatchObject({ title: "Host", isRequired: true });
    expect(SHAPES[3]).toMatchObject({ title: "Is tls", isRequired: false });
  });

  test("secrets are found at any depth, by the path that the server knows", () => {
    expect(secretsOf(SHAPES).map(({ path, parts }) => [path, parts])).toEqual([["login.pass\\.word", ["login", "pass.word"]]]);
    expect(pathOf(["a\\b", "c"])).toBe("a\\\\b.c");
  });

  test("what stands for a secret leaves with it, and what is left empty too", () => {
    const data = { host: "h", login: { "pass.word": "********" } };

    expect(withoutSecrets(data, secretsOf(SHAPES).map(({ parts }) => parts))).toEqual({ host: "h" });
    expect(withoutSecrets("nothing", [["a"]])).toEqual({});
  });

  test("a value is set and read back where it was, and the rest stays", () => {
    const data = withValue({ host: "h", login: { user: "u" } }, ["login", "role"], "r");

    expect(data).toEqual({ host: "h", login: { user: "u", role: "r" } });
    expect(valueAt(data, ["login", "role"])).toBe("r");
    expect(valueAt(data, ["host", "deeper"])).toBeUndefined();
    expect(withValue(data, ["login", "role"], undefined)).toEqual({ host: "h", login: { user: "u" } });
  });

  test("a schema that refers to itself ends somewhere", () => {
    const loop = { properties: { next: { $ref: "#" } }, type: "object" };

    expect(() => shapesOf(loop, [])).not.toThrow();
    expect(shapesOf("no schema", [])).toEqual([]);
  });
});
