// @vitest-environment jsdom
import { expect, test } from "vitest";
import { actIn } from "@/lib/acting";
import { headersIn } from "@/lib/graphql";

test("a request is in the organization that it names, else in that of the address", () => {
  const nowhere = headersIn(undefined);
  expect(nowhere).toMatchObject({ "x-headgate": "1" });
  expect(nowhere).not.toHaveProperty("x-headgate-organization");

  actIn("meridian");
  expect(headersIn(undefined)).toEqual({ ...nowhere, "x-headgate-organization": "meridian" });
  expect(headersIn("halden")).toEqual({ ...nowhere, "x-headgate-organization": "halden" });

  actIn(undefined);
  expect(headersIn(3)).toEqual(nowhere);
});
