-- The generation, and how far the database has come in it: when it last served, and how far its log
-- is on disk, in bytes. Any role may ask. A standby follows behind by as much as it likes: where it
-- stands says nothing.
select
  generation,
  (extract(epoch from last_served_at) * 1000000)::bigint as served_us,
  (pg_current_wal_flush_lsn() - '0/0')::bigint as log_bytes
from control_plane
where id = 1 and not pg_is_in_recovery()
