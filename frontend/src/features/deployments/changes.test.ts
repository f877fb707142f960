import { expect, test } from "vitest";
import { changesOf, type Written } from "@/features/deployments/changes";

const BEFORE: Written = {
  description: "", tags: ["a"], paused: false, limit: "", onCollision: "ENQUEUE", collisionParameter: "", workPoolName: "default",
  workQueueName: "fast", jobVariables: { memory: 1 }, parameters: { region: "eu" }, enforceParameterSchema: true,
};

test("what is as it was is not said, so that it keeps its value", () => {
  expect(changesOf(BEFORE, { ...BEFORE, tags: ["a"], jobVariables: { memory: 1 } })).toEqual({});
  expect(changesOf(BEFORE, { ...BEFORE, description: "Mine", paused: true })).toEqual({ description: "Mine", paused: true });
});

test("a first limit says what follows; one that is taken away says nothing else", () => {
  expect(changesOf(BEFORE, { ...BEFORE, limit: " 2 " })).toEqual({ concurrencyLimit: 2, onCollision: "ENQUEUE" });
  expect(changesOf({ ...BEFORE, limit: "2" }, { ...BEFORE, limit: "", onCollision: "CANCEL_NEW" })).toEqual({ concurrencyLimit: null });
  expect(changesOf({ ...BEFORE, limit: "0" }, { ...BEFORE, limit: "0", onCollision: "COALESCE", collisionParameter: "region" })).toEqual({ onCollision: "COALESCE", collisionParameter: "region" });
});

test("a pool that its reader may not see is not taken away", () => {
  const unseen = { ...BEFORE, workPoolName: "", workQueueName: "" };
  expect(changesOf(unseen, { ...unseen, description: "Mine" })).toEqual({ description: "Mine" });
});

test("another pool goes without the queue of the one before, and none says null", () => {
  expect(changesOf(BEFORE, { ...BEFORE, workPoolName: "gpu", workQueueName: "" })).toEqual({ workPoolName: "gpu" });
  expect(changesOf(BEFORE, { ...BEFORE, workPoolName: "", workQueueName: "" })).toEqual({ workPoolName: null });
});

test("a default that the form shows is not kept as the deployment's own", () => {
  const shown = { ...BEFORE, parameters: { region: "eu", size: 3, dry: false } };

  expect(changesOf(shown, { ...shown, parameters: { region: "us", size: 3, dry: false } }, { region: "eu", day: "2026-11-30" })).toEqual({ parameters: { region: "us", day: "2026-11-30" } });
  expect(changesOf(shown, { ...shown, parameters: { size: 3, dry: true } }, { region: "eu" })).toEqual({ parameters: { dry: true } });
});
