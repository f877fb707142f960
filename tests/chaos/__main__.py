"""The whole matrix: ``python -m tests.chaos [--seed N] [--only NAME,…] [--hours H]``.

One line of JSON for each scenario, and one at the end; answers 1 where a promise was broken, where
a run proved nothing, or where a planted bug was not seen. The same seed makes the same choices,
though not the same instants. With ``--hours`` it goes on with random faults until the time is over.
"""

import argparse
import asyncio
import json
import logging
import secrets
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.chaos import (
    clock_jump,
    disk_full,
    migrations,
    orchestration,
    outage,
    postgres_away,
    redis_gone,
    schedules,
    slow_links,
    standby,
    streams,
)
from tests.chaos.fault_points import FAULT_POINTS
from tests.chaos.nemesis import EVERYTHING
from tests.chaos.scenarios import PLANTED, SCENARIOS, Scenario, run, storm

OTHERS: dict[str, Callable[[int], int]] = {
    "schedules": lambda seed: schedules.main(["--seed", str(seed)]),
    disk_full.NAME: lambda _: disk_full.main([]),
    "outage-8": lambda _: outage.main(["--minutes", "8"]),
    "outage-12": lambda _: outage.main(["--minutes", "12"]),
    clock_jump.NAME: lambda _: clock_jump.main([]),
    migrations.NAME: lambda seed: migrations.main(["--seed", str(seed)]),
    orchestration.NAME: lambda seed: orchestration.main(["--seed", str(seed)]),
    postgres_away.NAME: lambda seed: postgres_away.main(["--seed", str(seed)]),
    redis_gone.NAME: lambda _: redis_gone.main([]),
    slow_links.NAME: lambda seed: slow_links.main(["--seed", str(seed), "--minutes", "10"]),
    standby.NAME: lambda seed: standby.main(["--seed", str(seed)]),
    "streams": lambda seed: streams.main(["--seed", str(seed)]),
}
"""Commands of their own, each by the name to ask for it: 0 where all came out as it should."""

SOAK_SECONDS = 300.0
HOUR_SECONDS = 3600.0


def say(**values: object) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def carry_out(scenario: Scenario, *, seed: int, logs: Path) -> bool:
    """Run one scenario and say whether it came out as it should; keep its logs where not."""
    try:
        report = asyncio.run(run(scenario, seed=seed))
    except Exception as error:  # noqa: BLE001 - one scenario that cannot be run leaves the others
        trace = "".join(traceback.format_exception(error))
        say(scenario=scenario.name, seed=seed, verdict="FAILED", trace=trace, is_well=False)
        return False
    found = {violation.rule for violation in report.verdict.violations}
    is_well = scenario.expected in found if scenario.expected else report.verdict.is_well
    say(**report.line(), expected=scenario.expected or "OK", is_well=is_well)
    if not is_well:
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / f"{scenario.name}-{seed}.log"
        path.write_text(report.logs)
        say(scenario=scenario.name, logs=str(path))
    return is_well


def run_matrix(chosen: Sequence[Scenario], *, seed: int, logs: Path, others: Sequence[str]) -> bool:
    """Run the scenarios one after the other; whether all came out as they should."""
    began_at = time.monotonic()
    outcomes = {one.name: carry_out(one, seed=seed, logs=logs) for one in chosen}
    skipped: list[str] = []
    for name in others:
        answer = OTHERS[name](seed)
        if answer == disk_full.SKIPPED:
            skipped.append(name)
        else:
            outcomes[name] = answer == 0
    caught = [outcomes[one.name] for one in PLANTED if one.name in outcomes]
    say(
        seed=seed,
        scenarios=len(outcomes),
        failed=[name for name, is_well in outcomes.items() if not is_well],
        skipped=skipped,
        planted_caught=f"{sum(caught)}/{len(caught)}",
        fault_points=len(FAULT_POINTS),
        seconds=round(time.monotonic() - began_at),
    )
    return all(outcomes.values())


def soak(*, seed: int, hours: float, logs: Path) -> bool:
    """Break everything at random, world after world, until the time is over or one fails."""
    until = time.monotonic() + hours * HOUR_SECONDS
    while (left := until - time.monotonic()) > 0:
        scenario = Scenario("soak", storm(EVERYTHING, seconds=min(left, SOAK_SECONDS)))
        if not carry_out(scenario, seed=seed, logs=logs):
            return False
        seed += 1
    return True


def choose(beginnings: tuple[str, ...]) -> list[Scenario]:
    """Return the scenarios whose names begin with one of these; all where none is named."""
    every = (*SCENARIOS, *PLANTED)
    return [one for one in every if not beginnings or one.name.startswith(beginnings)]


def choose_others(beginnings: tuple[str, ...]) -> list[str]:
    """Return the commands whose names begin with one of these; all where none is named."""
    return [name for name in OTHERS if not beginnings or name.startswith(beginnings)]


def unknown(beginnings: Iterable[str]) -> list[str]:
    """Return the beginnings of no name at all."""
    every = [*(one.name for one in (*SCENARIOS, *PLANTED)), *OTHERS]
    return [one for one in beginnings if not any(name.startswith(one) for name in every)]


def main(arguments: list[str]) -> int:
    """Run what is asked for; 0 where all came out as it should, 2 for a name that there is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="by chance unless given")
    parser.add_argument("--only", default="", help="beginnings of names, with commas")
    parser.add_argument("--hours", type=float, help="soak for so long")
    parser.add_argument("--logs", type=Path, default=Path("/tmp/headgate-chaos"))  # noqa: S108 - of failures only
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("tests.chaos").setLevel(logging.INFO)
    seed = given.seed or secrets.randbelow(10**6) + 1
    beginnings = tuple(name for part in given.only.split(",") if (name := part.strip()))
    if missing := unknown(beginnings):
        known = ", ".join([*(one.name for one in (*SCENARIOS, *PLANTED)), *OTHERS])
        sys.stderr.write(f"No scenario {', '.join(missing)}; there are {known}.\n")
        return 2
    say(seed=seed, only=given.only)
    if given.hours is not None:
        return not soak(seed=seed, hours=given.hours, logs=given.logs)
    chosen, others = choose(beginnings), choose_others(beginnings)
    return not run_matrix(chosen, seed=seed, logs=given.logs, others=others)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
