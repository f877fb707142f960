/** Types that have no id of their own; they belong to what they were read from. */
export const EMBEDDED: readonly string[] = [
  "AgentDirective", "Approvers", "Attempt", "BackfillCount", "BackfillItem", "BackfillOutcomeCount", "BackgroundTaskLine", "BackgroundTaskOffer", "BackgroundTaskState", "BackgroundTaskWork", "Backlog", "Blocker", "Bucket", "CacheRecord",
  "CatchUp", "ConcurrencyHolder", "ConcurrencyWaiter", "ConflictError", "Count", "CronSpec", "DeploymentConcurrency", "DeploymentVersionChange",
  "DurationBucket", "EventBatch", "ForbiddenError", "GraphGroup", "GraphNode", "InputError", "IntervalSpec", "LeaseError",
  "LeaseRevoked", "LeaseVerdict", "LimitError", "LogBatch", "LogLine", "LogMatch", "NotFoundError", "Operator", "OrganizationName", "PageInfo",
  "Pause", "PauseRequest", "Permission", "PlannedTask", "PoolCounts", "Quota", "RRuleSpec", "RateLimit", "RefusalCount", "RetryPreview", "RunBucket",
  "RunCancelRequested", "RunDurations", "RunGraph", "RunInput", "RunLease", "RunLeaseRef", "RunOffered", "RunPauseRequested", "RunTimeline",
  "RunUpdate", "SchedulePreview", "ScheduleSpecError", "SecretField", "ServerInfo", "StateCount", "StreamClosing",
  "StreamHeartbeat", "StreamOpened", "TransitionError", "UpcomingFire", "UsageDay", "VariableVersion", "VersionConflictError",
  "Viewer", "WorkspaceCounts", "WorkspaceRetention",
];
