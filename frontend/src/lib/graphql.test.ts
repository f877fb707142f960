import { expect, test } from "vitest";
import { actIn, headersIn } from "@/lib/graphql";

test("a request is in the organization that it names, else in that of the address", () => {
  expect(headersIn(undefined)).toEqual({ "x-headgate": "1" });

  actIn("meridian");
  expect(headersIn(undefined)).toEqual({ "x-headgate": "1", "x-headgate-organization": "meridian" });
  expect(headersIn("halden")).toEqual({ "x-headgate": "1", "x-headgate-organization": "halden" });

  actIn(undefined);
  expect(headersIn(3)).toEqual({ "x-headgate": "1" });
});
