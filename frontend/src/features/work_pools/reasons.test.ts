import { expect, test } from "vitest";
import { readableReason } from "@/features/work_pools/reasons";
import { localZone, showTime } from "@/lib/time";

test("times within a reason are shown as all others are", () => {
  const now = new Date("2026-11-30T22:00:00Z");
  const until = showTime(new Date("2026-12-01T08:00:00Z"), now, localZone());

  expect(readableReason("Drains until 2026-12-01T08:00:00+00:00, asked by Ana: The machine moves.", now)).toBe(`Drains until ${until}, asked by Ana: The machine moves.`);
  expect(readableReason("It was restarted 3 times.", now)).toBe("It was restarted 3 times.");
});
