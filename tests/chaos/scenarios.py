"""The matrix: what each scenario breaks, how it is run, and what is reported of it."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tests.chaos import nemesis as faults
from tests.chaos.checker import is_answered, judge, proofs
from tests.chaos.fault_points import FAULT_POINTS, Action, FaultPoint, Place, set_trap
from tests.chaos.nemesis import Fault, Nemesis
from tests.chaos.run_rules import NOTICED_SECONDS
from tests.chaos.verdicts import Verdict
from tests.chaos.workload import a_workload
from tests.chaos.world import POSTGRES, REDIS, Plan, a_world
from tests.fixtures.deadlines import eventually
from tests.fixtures.proxy import Moment, Weather

logger = logging.getLogger(__name__)

POINT_SECONDS = 20.0
HANG_SECONDS = 2.5
STORM_SECONDS = 30.0
RESTLESS_SECONDS = 2.0
BEGIN_SECONDS = 2.0
PATIENCE_SECONDS = NOTICED_SECONDS + 5.0
SETTLE_SECONDS, SHORT_SETTLE_SECONDS = 90.0, 10.0
"""How long all may take to come to rest; with a bug planted nobody waits for that."""


@dataclass
class Report:
    """What came of one scenario."""

    name: str
    seed: int
    verdict: Verdict
    figures: dict[str, int | float] = field(default_factory=dict[str, int | float])
    logs: str = ""

    def line(self) -> dict[str, object]:
        """Return it as one line of JSON."""
        return {
            "scenario": self.name,
            "seed": self.seed,
            "verdict": self.verdict.word,
            **self.figures,
            "violations": [f"{one.rule}: {one.what}" for one in self.verdict.violations[:20]],
            "doubts": list(self.verdict.doubts),
        }


Break = Callable[[Nemesis], Awaitable[dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world and what happens in it.

    Args:
        expected: the rule that the checker must find broken, where a bug is planted.
        is_sparing: whether the processes of agents and runs are left alone, so that none may crash.
    """

    name: str
    breaks: Break
    plan: Plan = field(default_factory=Plan)
    expected: str = ""
    is_sparing: bool = False


def storm(kinds: dict[Fault, int], *, seconds: float) -> Break:
    """Let faults of some kinds come for a while."""

    async def breaks(nemesis: Nemesis) -> dict[str, int]:
        await nemesis.storm(kinds, seconds=seconds)
        return {"faults": nemesis.faults}

    return breaks


def at_points(action: Action, *, points: tuple[FaultPoint, ...] = FAULT_POINTS) -> Break:
    """Do the same at each fault point, once, in an order of chance."""

    async def breaks(nemesis: Nemesis) -> dict[str, int]:
        order = nemesis.chance.sample(points, k=len(points))
        hit = [point.name for point in order if await _hit(nemesis, point, action)]
        missed = sorted({point.name for point in points} - set(hit))
        if missed:
            raise NotCovered(missed)
        return {"points": len(points), "hit": len(hit)}

    return breaks


class NotCovered(Exception):
    """Fault points that nobody came by."""


async def _hit(nemesis: Nemesis, point: FaultPoint, action: Action) -> bool:
    world = nemesis.world
    began_at = time.monotonic()
    trapped = set_trap(world, point, action)
    helping = asyncio.create_task(_bring_about(nemesis, point))
    try:
        await eventually(trapped.has_closed, within_seconds=POINT_SECONDS, what=point.name)
        nemesis.faults += 1
        logger.info("%s at %s after %.1f s", action, point.name, time.monotonic() - began_at)
        if action is Action.HANG:
            await asyncio.sleep(HANG_SECONDS)
    except AssertionError:
        logger.warning("Nobody came by %s", point.name)
        return False
    finally:
        helping.cancel()
        with suppress(asyncio.CancelledError):
            await helping
        trapped.take_up()
        trapped.thaw()
        await eventually(trapped.are_gone, what=f"The end of {point.name}")
        await world.revive()
    return True


async def _bring_about(nemesis: Nemesis, point: FaultPoint) -> None:
    """Do what an operation needs that does not come by itself, again and again."""
    needed: dict[str, Fault] = {
        "new agent": faults.kill_agent,
        "killed child": faults.kill_child,
    }
    while point.needs:
        await needed[point.needs](nemesis)
        await asyncio.sleep(RESTLESS_SECONDS)


async def run(scenario: Scenario, *, seed: int) -> Report:
    """Make a world, break it while clients work, mend it, let it come to rest, and judge."""
    began_at = time.time()
    chance = random.Random(f"{scenario.name}:{seed}")  # noqa: S311  no secret
    plan = replace(scenario.plan, seed=seed)
    figures: dict[str, int | float] = {}
    async with a_world(plan) as world:
        async with a_workload(world) as workload:
            await asyncio.sleep(BEGIN_SECONDS)
            nemesis = Nemesis(world, chance)
            missed: tuple[str, ...] = ()
            try:
                figures |= await scenario.breaks(nemesis)
            except NotCovered as error:
                missed = tuple(f"nobody came by {name}" for name in error.args[0])
            world.proxy.heal()
            await world.revive()
            await workload.run_last_calls()
        healed_at = time.time()
        await workload.settle(SETTLE_SECONDS if not plan.planted else SHORT_SETTLE_SECONDS)
        figures["settled_s"] = round(time.time() - healed_at, 1)
        evidence = await workload.evidence(began_at=began_at, is_spared=scenario.is_sparing)
        verdict = judge(evidence)
        verdict = Verdict(verdict.violations, (*verdict.doubts, *missed))
        figures |= {
            "runs": len(evidence.runs),
            "fires": len(evidence.fires),
            "calls": len(evidence.calls),
            "answered": sum(map(is_answered, evidence.calls)),
            **{name.replace(" ", "_"): count for name, count in proofs(evidence).items()},
            "seconds": round(time.time() - began_at),
        }
        logs = "" if verdict.is_well else world.installation.report()
    return Report(scenario.name, seed, verdict, figures, logs)


async def calm(nemesis: Nemesis) -> dict[str, int]:
    """Break nothing: the checker must have nothing to say."""
    await nemesis.wait(10, 10)
    return {}


async def patience(nemesis: Nemesis) -> dict[str, int]:
    """Break nothing, for longer than it takes at the most to notice what is late."""
    await nemesis.wait(PATIENCE_SECONDS, PATIENCE_SECONDS)
    return {}


async def crowd(nemesis: Nemesis) -> dict[str, int]:
    """Have every scheduler look for itself, and take its time."""
    for member in nemesis.world.of("scheduler"):
        member.links[REDIS].weather = Weather(is_refusing=True)
        member.links[REDIS].reset()
        member.links[POSTGRES].weather = Weather(delay_seconds=0.05)
    await nemesis.wait(12, 12)
    return {}


async def lose_ends(nemesis: Nemesis) -> dict[str, int]:
    """Keep from runs that what they proposed was accepted."""
    point = FaultPoint(Place.CHILD, "FlowRunSetState", Moment.AFTER)
    hits = [await _hit(nemesis, point, Action.CUT) for _ in range(12)]
    return {"cuts": sum(hits)}


HOSTS: dict[Fault, int] = {faults.kill_busy_host: 1}
SMALL = Plan(agents=2)
SCENARIOS = (
    Scenario("calm", calm, is_sparing=True),
    Scenario("kills", storm(faults.KILLS, seconds=STORM_SECONDS)),
    Scenario("freezes", storm(faults.FREEZES, seconds=STORM_SECONDS)),
    Scenario("wires", storm(faults.WIRES, seconds=STORM_SECONDS), is_sparing=True),
    Scenario("partitions", storm(faults.PARTITIONS, seconds=STORM_SECONDS), is_sparing=True),
    Scenario("database", storm(faults.DATABASE, seconds=STORM_SECONDS), is_sparing=True),
    Scenario("redis", storm(faults.REDIS_FAULTS, seconds=STORM_SECONDS), is_sparing=True),
    Scenario("everything", storm(faults.EVERYTHING, seconds=1.5 * STORM_SECONDS)),
    *(Scenario(f"points-{action}", at_points(action)) for action in Action),
)
_PLANTED: tuple[tuple[str, Break, str], ...] = (
    ("no_epoch_check", calm, "old_epochs_are_dead"),
    ("no_ledger_key", crowd, "each_instant_once"),
    ("reap_without_epoch", storm(HOSTS, seconds=20), "one_start_an_epoch"),
    ("double_finish", lose_ends, "legal_history"),
    ("lost_outbox_row", calm, "each_transition_told_once"),
    ("late_without_guard", calm, "late_in_time"),
    ("tenant_predicate_dropped", calm, "walls_hold"),
    ("key_outside_the_transaction", calm, "one_effect_a_key"),
    ("cancel_lost", calm, "cancelled_for_good"),
    ("cancel_unheard", calm, "cancelled_for_good"),
    ("started_early", calm, "not_before_its_instant"),
    ("crash_runs_again", calm, "no_more_starts_than_allowed"),
    ("retries_uncounted", calm, "no_more_starts_than_allowed"),
    ("ledger_without_runs", calm, "ledger_leads_to_runs"),
    ("told_by_another_name", calm, "each_transition_told_once"),
    ("failure_completes", calm, "ends_as_its_code_says"),
    ("late_unseen", patience, "late_in_time"),
    ("old_answers", calm, "reads_are_true"),
)
PLANTED = tuple(
    Scenario(f"planted-{bug}", breaks, replace(SMALL, planted=bug), expected)
    for bug, breaks, expected in _PLANTED
)
"""The bugs that the checker must see."""
