import { expect, test } from "vitest";
import { slugOf } from "@/lib/slugs";

test.each([
  ["Production", "production"],
  ["Ünder Ground, 2nd floor", "under-ground-2nd-floor"],
  ["--- ", ""],
  ["ليل", ""],
  [`${"a".repeat(49)} b`, "a".repeat(49)],
])("%s becomes %s", (name, slug) => expect(slugOf(name)).toBe(slug));
