import { expect, test } from "vitest";
import { showSize } from "@/features/artifacts/sizes";

test.each([[0, "0 B"], [512, "512 B"], [1536, "1.5 KiB"], [20 * 1024 ** 2, "20 MiB"], [3 * 1024 ** 4, "3072 GiB"]])("%d bytes are %s", (bytes, text) =>
  expect(showSize(bytes)).toBe(text),
);
