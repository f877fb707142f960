/** Types that have no id of their own; they belong to what they were read from. */
export const EMBEDDED: readonly string[] = [
  "AgentDirective", "Approvers", "Attempt", "BackfillCount", "BackfillItem", "Backlog", "Blocker", "Bucket", "CacheRecord",
  "CatchUp", "ConcurrencyHolder", "ConflictError", "Count", "CronSpec", "DeploymentConcurrency", "DeploymentVersionChange",
  "EventBatch", "ForbiddenError", "InputError", "IntervalSpec", "LeaseError", "LeaseRevoked", "LeaseVerdict", "LimitError",
  "LogBatch", "LogLine", "NotFoundError", "Operator", "OrganizationName", "PageInfo", "Pause", "Permission", "PlannedTask", "Quota", "RRuleSpec",
  "RateLimit", "RetryPreview", "RunBucket", "RunCancelRequested", "RunInput", "RunLease", "RunLeaseRef", "RunOffered",
  "RunUpdate", "SchedulePreview", "ScheduleSpecError", "SecretField", "ServerInfo", "StateCount", "StreamClosing",
  "StreamHeartbeat", "StreamOpened", "TransitionError", "UpcomingFire", "UsageDay", "VariableVersion", "VersionConflictError",
  "Viewer", "WorkspaceRetention",
];
