import { describe, expect, it } from "vitest";
import { toldOf } from "@/features/failure_groups/retries";

const NOTHING = { started: 0, notStarted: 0, remaining: 0, refused: 0, refusals: [] };

describe("what is said of retried runs", () => {
  it("tells how many start, and how many are left", () => {
    expect(toldOf({ ...NOTHING, started: 100, remaining: 1500 })).toBe("100 started again. 1,500 are left.");
  });
  it("tells why some do not, the most frequent reason", () => {
    const refusals = [{ message: "size is no number", count: 2 }, { message: "It is gone.", count: 1 }];
    expect(toldOf({ ...NOTHING, started: 1, notStarted: 3, refused: 3, refusals })).toBe("1 started again, 3 not. size is no number. There are other reasons, too.");
  });
  it("tells of those that were refused before", () => {
    expect(toldOf({ ...NOTHING, refused: 4 })).toBe("0 started again. 4 more were refused before, and wait for another version of their deployment.");
  });
});
