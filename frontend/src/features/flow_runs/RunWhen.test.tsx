// @vitest-environment jsdom
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { type RunTimes, RunWhen } from "@/features/flow_runs/RunWhen";

afterEach(cleanup);

function told(run: Partial<RunTimes>): string {
  const whole: RunTimes = { state: { type: "RUNNING" }, startedAt: "2026-11-26T05:13:18Z", endedAt: null, expectedStart: "2026-11-30T22:47:55Z", duration: null, ...run };
  return render(<p><RunWhen run={whole} /></p>).container.textContent ?? "";
}

test("a run that is to be retried does not run since its first start", () => {
  const text = told({ state: { type: "SCHEDULED" } });

  expect(text).toMatch(/^Expected .*first started /);
  expect(text).not.toContain("for ");
});

test("a run that has ended says when it started, and how long it took", () => {
  expect(told({ state: { type: "FAILED" }, endedAt: "2026-11-26T05:13:36Z", duration: "PT18S" })).toMatch(/^Started .*for 18s$/);
});
