-- Notes the words of a run's next lines, in chunks of 500 lines and a quarter of an hour at most.
-- A chunk with more words than a vector holds says so, and is looked into by every search.
with line as materialized (
  select sequence, "timestamp", level, message, (sequence - 1) / 500 as part,
    floor(extract(epoch from "timestamp") / 900) as stretch
  from logs
  where workspace_id = :workspace_id and flow_run_id = :flow_run_id
    and sequence > cast(:after as bigint) and sequence <= cast(:last as bigint)
), chunk as (
  select part, stretch, min(sequence) as first_sequence, max(sequence) as last_sequence,
    min("timestamp") as first_at, max("timestamp") as last_at, max(level) as max_level
  from line group by part, stretch
), noted as (
  select part, stretch, array_agg(word) as words, sum(octet_length(word)) as size
  from (
    select distinct part, stretch, word from line, lateral log_words(message) as word
  ) as known
  group by part, stretch
)
insert into log_chunks (
  workspace_id, flow_run_id, first_sequence, last_sequence, flow_id, first_at, last_at, max_level,
  words
)
select run.workspace_id, run.id, chunk.first_sequence, chunk.last_sequence, run.flow_id,
  chunk.first_at, chunk.last_at, chunk.max_level,
  array_to_tsvector(
    array['~' || run.workspace_id] || case
      when noted.words is null then array[]::text[]
      when noted.size > 400000 then array['~more']
      else noted.words
    end
  )
from chunk
left join noted using (part, stretch)
join flow_runs run on run.workspace_id = :workspace_id and run.id = :flow_run_id
on conflict do nothing
