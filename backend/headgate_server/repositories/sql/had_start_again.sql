-- In which states somebody had a run start again: not where they resumed one, nor where they only
-- had one come sooner that waited anyway. ``state`` is one of the run's.
state.sequence > 1 and state.type = 'SCHEDULED'
  and state.decision #>> '{facts,proposer}' = 'PERSON'
  and state.decision #>> '{facts,is_resume}' = 'false'
  and not (
    state.decision #>> '{facts,current_type}' = 'SCHEDULED'
    and state.decision #>> '{facts,phase}' in ('READY', 'OFFERED')
  )
