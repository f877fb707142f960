-- What a rate has given comes back as much sooner as the rate is faster now.
update concurrency_slots set
  expires_at = cast(:now as timestamptz)
    + (expires_at - cast(:now as timestamptz)) * cast(:factor as double precision)
where workspace_id = :workspace_id and limit_id = :limit_id and expires_at > :now
