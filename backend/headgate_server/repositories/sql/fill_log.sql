-- Gives a run the lines of a log from :first to :last; every 1,000th is a warning, and every 100,000th an error.
insert into logs (
  workspace_id, flow_run_id, sequence, "timestamp", level, logger, message, task_run_id
)
select
  cast(:workspace_id as uuid), cast(:run_id as uuid), line,
  cast(:since as timestamptz) + line * interval '5 milliseconds',
  case when line % 100000 = 0 then 40 when line % 1000 = 0 then 30 else 20 end,
  'headgate.flow_runs',
  case
    when line % 100000 = 0 then 'Could not write part ' || line / 1000 || ', trying again'
    when line % 1000 = 0 then 'Part ' || line / 1000 || ' took longer than usual'
    else 'Wrote row ' || line || ' of the archive, checksum ' || md5(line::text)
  end,
  null
from generate_series(cast(:first as bigint), cast(:last as bigint)) as line
