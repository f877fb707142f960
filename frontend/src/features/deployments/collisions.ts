/** What follows when a deployment has as many runs as it may, and one more is made. */
import type { CollisionPolicy } from "@/generated/graphql";

export const COLLISIONS: Record<CollisionPolicy, string> = {
  ENQUEUE: "further ones wait",
  CANCEL_NEW: "further ones are cancelled",
  CANCEL_OLD: "the oldest is cancelled",
  COALESCE: "waiting ones become one",
};
