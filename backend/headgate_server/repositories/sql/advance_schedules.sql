-- Moves schedules, whose rows are locked, on to the next instant without a run.
update schedules set
  next_fire_at = step.next_fire_at, missed_count = missed_count + step.missed,
  episode_missed = step.episode_missed, episode_started_at = step.episode_started_at
from unnest(
  cast(:workspace_ids as uuid[]), cast(:schedule_ids as uuid[]),
  cast(:next_fires_at as timestamptz[]), cast(:missed as bigint[]),
  cast(:episodes_missed as bigint[]), cast(:episodes_started_at as timestamptz[])
) as step(workspace_id, schedule_id, next_fire_at, missed, episode_missed, episode_started_at)
where schedules.workspace_id = step.workspace_id and schedules.id = step.schedule_id
