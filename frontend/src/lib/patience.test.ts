import { expect, test, vi } from "vitest";
import { patient } from "@/lib/patience";

function answers(...statuses: number[]): { asked: () => number; fetchOnce: typeof fetch } {
  let asked = 0;
  const fetchOnce = async (): Promise<Response> => {
    const status = statuses[Math.min(asked, statuses.length - 1)] ?? 200;
    asked += 1;
    return new Response(String(status), { status, headers: status === 429 ? { "retry-after": "2" } : {} });
  };
  return { asked: () => asked, fetchOnce };
}

test("what was too much is asked for again, after as long as the server says", async () => {
  vi.useFakeTimers();
  const { asked, fetchOnce } = answers(429, 200);

  const answer = patient(fetchOnce)("/graphql");
  await vi.advanceTimersByTimeAsync(1_900);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(200);

  expect((await answer).status).toBe(200);
  vi.useRealTimers();
});

test("a refusal that stays is what came, and other answers are not asked for again", async () => {
  vi.useFakeTimers();
  const refused = answers(429);
  const answer = patient(refused.fetchOnce)("/graphql");
  await vi.advanceTimersByTimeAsync(60_000);
  expect((await answer).status).toBe(429);
  expect(refused.asked()).toBe(4);

  const broken = answers(500);
  expect((await patient(broken.fetchOnce)("/graphql")).status).toBe(500);
  expect(broken.asked()).toBe(1);
  vi.useRealTimers();
});
