import { expect, test } from "vitest";
import { overlayOf } from "@/ui/schema/overlay";

test("only what was changed is laid over a run's parameters", () => {
  const before = { region: "eu", size: 3, tags: ["a"] };

  expect(overlayOf(before, { region: "eu", size: 4, tags: ["a"], dry: true })).toEqual({ parameters: { size: 4, dry: true }, gone: [] });
  expect(overlayOf(before, { tags: ["a"], size: 3, region: "eu" })).toEqual({ parameters: undefined, gone: [] });
});

test("what was taken away is told, for laying over cannot do that", () => {
  expect(overlayOf({ region: "eu", size: 3 }, { size: 3 })).toEqual({ parameters: undefined, gone: ["region"] });
});

test("names that every object has are parameters like others", () => {
  expect(overlayOf({}, JSON.parse('{"constructor": 1}'))).toEqual({ parameters: { constructor: 1 }, gone: [] });
});
