/** What a form says of a deployment that is other than what stands: only that is sent, and all else keeps its value. */
import type { CollisionPolicy, DeploymentDetailFragment, DeploymentUpsertInput } from "@/generated/graphql";
import { isRecord, isSame } from "@/ui/schema/schemas";
import { overlayOf } from "@/ui/schema/overlay";

export interface Written {
  description: string;
  tags: readonly string[];
  paused: boolean;
  /** Digits; empty is no limit. */
  limit: string;
  onCollision: CollisionPolicy;
  /** Empty puts all under one key. */
  collisionParameter: string;
  /** Empty takes it out of its pool. */
  workPoolName: string;
  /** Empty is the queue that it has, or the pool's own. */
  workQueueName: string;
  jobVariables: unknown;
  parameters: unknown;
  enforceParameterSchema: boolean;
}

export type Changes = Omit<DeploymentUpsertInput, "workspaceId" | "flowName" | "name" | "expectedVersion">;

export function writtenOf(deployment: DeploymentDetailFragment): Written {
  const { concurrency } = deployment;
  return {
    description: deployment.description ?? "",
    tags: deployment.tags,
    paused: deployment.paused,
    limit: concurrency ? String(concurrency.limit) : "",
    onCollision: concurrency?.onCollision ?? "ENQUEUE",
    collisionParameter: concurrency?.parameter ?? "",
    workPoolName: deployment.workPool?.name ?? "",
    workQueueName: deployment.workQueue?.name ?? "",
    jobVariables: deployment.jobVariables,
    parameters: deployment.parameters,
    enforceParameterSchema: deployment.enforceParameterSchema,
  };
}

/** The parameters that are kept with it: what was changed in the form, laid over those that stand. A default that the form shows is none. */
function parametersOf(standing: unknown, before: unknown, after: unknown): Record<string, unknown> {
  const { parameters, gone } = overlayOf(before, after);
  const kept = Object.entries(isRecord(standing) ? standing : {}).filter(([name]) => !gone.includes(name));
  return { ...Object.fromEntries(kept), ...parameters };
}

/** ``standing`` are the parameters as they are kept, without what the form shows of the schema's defaults. */
export function changesOf(before: Written, after: Written, standing: unknown = before.parameters): Changes {
  const isOther = (name: keyof Written): boolean => !isSame(before[name], after[name]);
  const isLimited = after.limit.trim() !== "";
  const beginsLimit = isLimited && before.limit === "";
  const isMoved = isOther("workPoolName");
  return {
    ...(isOther("description") ? { description: after.description } : {}),
    ...(isOther("tags") ? { tags: [...after.tags] } : {}),
    ...(isOther("paused") ? { paused: after.paused } : {}),
    ...(after.limit.trim() === before.limit ? {} : { concurrencyLimit: isLimited ? Number(after.limit) : null }),
    ...(isLimited && (beginsLimit || isOther("onCollision")) ? { onCollision: after.onCollision } : {}),
    ...(isLimited && isOther("collisionParameter") ? { collisionParameter: after.collisionParameter.trim() || null } : {}),
    ...(isMoved ? { workPoolName: after.workPoolName || null } : {}),
    ...((isMoved || isOther("workQueueName")) && after.workPoolName !== "" && after.workQueueName !== "" ? { workQueueName: after.workQueueName } : {}),
    ...(isOther("jobVariables") ? { jobVariables: after.jobVariables } : {}),
    ...(isOther("parameters") ? { parameters: parametersOf(standing, before.parameters, after.parameters) } : {}),
    ...(isOther("enforceParameterSchema") ? { enforceParameterSchema: after.enforceParameterSchema } : {}),
  };
}
