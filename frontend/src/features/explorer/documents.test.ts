// @vitest-environment jsdom
import { beforeEach, describe, expect, test } from "vitest";
import { asCurl, isSubscription, keepInHistory, operationsOf, readHistory, readVariables, tidied } from "@/features/explorer/documents";

beforeEach(() => window.localStorage.clear());

describe("documents", () => {
  test("say which operations they hold", () => {
    expect(operationsOf("query A { a } mutation B { b }")).toEqual(["A", "B"]);
    expect(operationsOf("{ a }")).toEqual([""]);
    expect(operationsOf("query {")).toBeUndefined();
  });

  test("a subscription is known by the operation that is chosen", () => {
    const query = "query A { a } subscription B { b }";

    expect(isSubscription(query, "B")).toBe(true);
    expect(isSubscription(query, "A")).toBe(false);
    expect(isSubscription("{", undefined)).toBe(false);
  });

  test("are tidied, or left alone", () => {
    expect(tidied("# why\nquery A{a(b:1){c}}")).toBe("# why\nquery A {\n  a(b: 1) {\n    c\n  }\n}\n");
    expect(tidied("query {")).toBe("query {");
  });

  test("variables are an object", () => {
    expect(readVariables(' {"a": 1} ')).toEqual({ value: { a: 1 } });
    expect(readVariables("")).toEqual({ value: {} });
    expect(readVariables("[1]")).toEqual({ problem: "Variables are a JSON object." });
    expect(readVariables("{")).toHaveProperty("problem");
  });

  test("a command holds no key, and nothing ends its quotes", () => {
    const command = asCurl("https://headgate.test", { query: "{ a(b: \"it's\") }", variables: "" });

    expect(command).toContain(`"{ a(b: \\"it'\\''s\\") }"`);
    expect(command).toContain("$HEADGATE_API_KEY");
  });

  test("what was run is kept once, the latest first", () => {
    keepInHistory({ query: "query A { a }", variables: "" });
    keepInHistory({ query: "{ b }", variables: "" });
    keepInHistory({ query: "query A { a }", variables: "{}" });

    expect(readHistory().map(({ name, variables }) => [name, variables])).toEqual([["A", "{}"], ["a query without a name", ""]]);
    window.localStorage.setItem("headgate.explorer", "{");
    expect(readHistory()).toEqual([]);
  });
});
