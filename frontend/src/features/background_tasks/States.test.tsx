// @vitest-environment jsdom
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { States } from "@/features/background_tasks/States";
import type { StateType } from "@/generated/graphql";

const state = (type: StateType, name: string, epoch: number, message: string | null = null) => ({ type, name, message, timestamp: `2026-11-30T10:0${epoch}:00Z`, epoch });

test("the states of a call begin with the newest, each with its attempt and why", () => {
  render(<States states={[state("SCHEDULED", "Scheduled", 0), state("RUNNING", "Running", 1), state("FAILED", "Failed", 1, "No such file")]} />);

  const told = screen.getAllByRole("listitem").map((item) => item.textContent ?? "");
  expect(told.map((text) => /Failed|Running|Scheduled/.exec(text)?.[0])).toEqual(["Failed", "Running", "Scheduled"]);
  expect(told.map((text) => text.includes("attempt 1"))).toEqual([true, true, false]);
  expect(told[0]).toContain("No such file");
});
