"""What is promised of schedules: one run for each instant, which a count on the fingers knows."""

from collections import Counter
from collections.abc import Generator

from tests.chaos.evidence import Evidence, Interval
from tests.chaos.verdicts import Found, Violation, by


def schedules_as_asked(evidence: Evidence) -> Found:
    """Each deployment has the schedules that were asked for, and no run is of another one."""
    made = by(evidence.schedules, lambda schedule: schedule.deployment)
    for name, terms in evidence.terms.items():
        found = sorted(schedule.every_seconds for schedule in made.get(name, []))
        if found != sorted(terms.every_seconds):
            what = f"{name} has schedules of {found} s, not of {terms.every_seconds}"
            yield Violation("schedules_as_asked", what)
    known = {schedule.id for schedule in evidence.schedules}
    for run in evidence.runs:
        if run.schedule_id and run.schedule_id not in known:
            yield Violation("schedules_as_asked", f"{run.id} is of the schedule {run.schedule_id}")


def each_instant_once(evidence: Evidence) -> Found:
    """Ledger and runs of a schedule are both what a count on the fingers says."""
    made = by((run for run in evidence.runs if run.schedule_id), lambda run: run.schedule_id)
    ledger = by(evidence.fires, lambda fire: fire.schedule_id)
    for schedule in evidence.schedules:
        yield from _from_beginning_to_end(schedule)
        wanted = list(_instants(schedule))
        fired = sorted(round(fire.at * 1000) for fire in ledger.get(schedule.id, []))
        runs = sorted(round(run.expected_start * 1000) for run in made.get(schedule.id, []))
        for name, found in (("ledger", fired), ("runs", runs)):
            if found != wanted:
                more = sorted((Counter(found) - Counter(wanted)).elements())
                less = sorted((Counter(wanted) - Counter(found)).elements())
                what = f"{schedule.id}: {name} too many {more}, missing {less}"
                yield Violation("each_instant_once", what)


def _from_beginning_to_end(schedule: Interval) -> Found:
    if schedule.first_at > schedule.made_at + schedule.every_seconds:
        late = schedule.first_at - schedule.made_at
        yield Violation("each_instant_once", f"{schedule.id} first fired after {late:.1f} s")
    if schedule.next_at < schedule.stopped_at:
        early = schedule.stopped_at - schedule.next_at
        what = f"{schedule.id} fired no more {early:.1f} s before it was stopped"
        yield Violation("each_instant_once", what)


def _instants(schedule: Interval) -> Generator[int]:
    """Yield the instants of a schedule, in milliseconds."""
    turn = round((schedule.first_at - schedule.anchor) / schedule.every_seconds)
    while (at := schedule.anchor + turn * schedule.every_seconds) < schedule.next_at - 1e-4:
        yield round(at * 1000)
        turn += 1


def ledger_leads_to_runs(evidence: Evidence) -> Found:
    """Each row of the ledger names the run of its schedule and instant; none was left out."""
    runs = {run.id: run for run in evidence.runs}
    for fire in evidence.fires:
        run = runs.get(fire.run_id or "")
        what = f"{fire.schedule_id} at {fire.at:.1f}, {fire.outcome}: "
        if run is None:
            yield Violation("ledger_leads_to_runs", f"{what}there is no run {fire.run_id}")
        elif fire.outcome != "CREATED" or run.schedule_id != fire.schedule_id:
            yield Violation("ledger_leads_to_runs", f"{what}{run.id} is of {run.schedule_id}")
        elif abs(run.expected_start - fire.at) > 1e-3:
            yield Violation("ledger_leads_to_runs", f"{what}{run.id} is at {run.expected_start}")
