import { expect, test } from "vitest";
import { readableReason } from "@/features/work_pools/reasons";
import { localZone, showTime } from "@/lib/time";

test("times within a reason are shown as all others are", () => {
  const now = new Date("2026-11-30T22:00:00Z");
  const until = showTime(new Date("2026-12-01T08:00:00Z"), now, localZone());

  expect(readableReason("Drains until 2026-12-01T08:00:00+00:00, asked by Ana: The machine moves.", now)).toBe(`Drains until ${until}, asked by Ana: The machine moves.`);
  expect(readableReason("It was restarted 3 times.", now)).toBe("It was restarted 3 times.");
});

test("what people wrote stays as it is, also where it looks like a time and is none", () => {
  const now = new Date("2026-11-30T22:00:00Z");

  for (const reason of ["Drains, asked by Ana: 2026-13-45T10:00Z", "Drains, asked by 2026-12-01T08:00:00Z.", "Drains until 2026-13-45T10:00:00Z."]) {
    expect(readableReason(reason, now)).toBe(reason);
  }
});
