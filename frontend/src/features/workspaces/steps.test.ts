import { describe, expect, test } from "vitest";
import type { FirstStepsQuery } from "@/generated/graphql";
import { stepsOf } from "@/features/workspaces/steps";

const WHERE = { url: "https://headgate.test", place: "meridian/production" };
const NOTHING: FirstStepsQuery = {
  viewer: { apiKeys: [] },
  workspace: { id: "ws_1", flows: { nodes: [] }, flowRuns: { nodes: [] }, deployments: { nodes: [] }, workPools: { nodes: [] } },
};

describe("first steps", () => {
  test("in a new workspace none is done, and the pool is made first", () => {
    const steps = stepsOf(NOTHING, WHERE);

    expect(steps.map(({ done }) => done)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    expect(steps[0]?.commands).toContain("headgate login --api-url https://headgate.test --workspace meridian/production");
    expect(steps[2]?.commands).toEqual(["headgate work-pools create default", "headgate agent start --pool default"]);
  });

  test("each is done by what it leaves behind", () => {
    const steps = stepsOf(
      {
        viewer: { apiKeys: [{ id: "key_1" }] },
        workspace: {
          id: "ws_1",
          flows: { nodes: [] },
          flowRuns: { nodes: [{ id: "run_1", name: "brisk-barge" }] },
          deployments: { nodes: [{ id: "dep_1", name: "first", schedules: [{ id: "sched_1" }] }] },
          workPools: { nodes: [{ id: "pool_1", name: "small", type: "process", agents: { nodes: [{ id: "agent_1", name: "attic" }] } }] },
        },
      },
      WHERE,
    );

    expect(steps.map(({ done }) => done)).toEqual(["A key of yours works.", "brisk-barge completed.", "attic is there.", "first is deployed.", "first has a schedule."]);
    expect(steps[2]?.commands).toEqual(["headgate agent start --pool small"]);
  });
});
