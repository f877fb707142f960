"""What a run ends in that is asked for much, or hit by something: each in the documented state.

``HEADGATE_TEST_EXTREMES=full`` takes the whole sizes, as ``infra/dev/extremes.sh`` does; without it
a sample is taken. The documentation is ``infra/docs/using/faults.md``.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from headgate.errors import InvalidInputError
from tests.client.cli.commands import Done, headgate
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation
from tests.fixtures.journeys import FLOWS, Journey
from tests.fixtures.leashed import Leashed
from tests.fixtures.proxy import Link, Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

IS_FULL = os.environ.get("HEADGATE_TEST_EXTREMES") == "full"
FILE = FLOWS.with_name("user_flows_extreme.py")
SKEW = FLOWS.parents[1] / "chaos" / "skew"
MIB = 1024 * 1024
KIB = 1024


def size(full: int, sample: int) -> int:
    """Return the whole size, or that of the sample."""
    return full if IS_FULL else sample


def environment(journey: Journey, **more: str) -> dict[str, str]:
    installation = journey.installation
    return {
        "HEADGATE_HOME": str(journey.folder / "home"),
        "HEADGATE_API_URL": installation.url,
        "HEADGATE_API_KEY": installation.api_key,
        "HEADGATE_WORKSPACE": installation.workspace,
        **more,
    }


def run(journey: Journey, name: str, *, more: dict[str, str] | None = None, **given: Any) -> Done:
    """Run a flow in a process of its own that reports to the installation."""
    return headgate(
        *("run", f"{FILE}:{name}", "--params", json.dumps(given), "-o", "json"),
        environment=environment(journey, **(more or {})),
        folder=journey.folder,
    )


def completed(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err[-2000:]
    return json.loads(done.out)


async def test_lines_of_one_task_are_kept_or_counted(journey: Journey) -> None:
    lines = size(100_000, 3_000)

    told = completed(run(journey, "logs_much", lines=lines))

    messages = [message for _, message in await journey.logged(told["id"])]
    kept = [int(message[5:]) for message in messages if message.startswith("line ")]
    dropped = [message.split()[0] for message in messages if "log lines were dropped" in message]
    assert kept == sorted(set(kept))
    assert len(kept) + sum(map(int, dropped)) == lines


async def test_large_results_are_handed_on(journey: Journey) -> None:
    bytes_ = size(200, 65) * MIB

    done = run(journey, "returns_much", size=bytes_)

    told = completed(done)
    assert told["result"] == [bytes_, bytes_]
    assert await journey.records.task_states(told["id"]) == {"Completed": 4}
    (file,) = [
        path
        for path in (journey.folder / "home" / "results").rglob("*")
        if path.is_file() and path.stat().st_size > bytes_
    ]
    file.unlink()


async def test_agent_s_run_goes_on_without_results_too_large_to_keep(journey: Journey) -> None:
    bytes_ = size(200, 65) * MIB
    deployment = await deploy(journey, "returns_much", size=bytes_)

    run_id = await journey.start(deployment)

    assert await journey.records.ended(run_id, within_seconds=120) == "Completed"
    messages = [message for _, message in await journey.logged(run_id)]
    assert sum("a rerun of this run does the task again" in message for message in messages) == 1


async def deploy(journey: Journey, name: str, **parameters: Any) -> Any:
    """Deploy a flow that takes no folder."""
    stage = parameters.pop("stage", "")
    file = journey.folder / f"{name}.py"
    file.write_text(
        f"import sys\nsys.path.insert(0, {str(FILE.parent)!r})\n"
        f"from user_flows_extreme import {name} as flow_there\n"
        "from headgate import flow\n"
        f"@flow(on_completion=flow_there.spec.hooks.on_completion)\n"
        f"def {name}(folder, **given):\n    return flow_there.fn(**given)\n"
    )
    return await journey.deploy(name, file=file, parameters=parameters, env={"TEST_STAGE": stage})


async def test_value_that_cannot_be_pickled_is_handed_on(journey: Journey) -> None:
    told = completed(run(journey, "hands_on_a_lock", how="plain"))

    assert told["result"] is True


async def test_value_that_cannot_be_kept_fails_the_task_that_asked_for_it(journey: Journey) -> None:
    done = run(journey, "hands_on_a_lock", how="kept")

    assert done.code == 7
    told = json.loads(done.out)
    assert "The result of task 'kept_lock' cannot be kept" in told["message"]
    assert "cannot pickle '_thread.lock' object" in told["message"]
    assert await journey.records.ended(told["id"]) == "Failed"


async def test_parameters_of_512_kib_are_the_most_that_is_shown_of_a_call(journey: Journey) -> None:
    file = journey.folder / "largest.py"
    file.write_text(
        f"import sys\nsys.path.insert(0, {str(FILE.parent)!r})\n"
        "from user_flows_extreme import takes_much\n"
        "for size in map(int, sys.argv[1:]):\n"
        "    assert takes_much('x' * (size - len('{\"text\":\"\"}'))) == size - 11\n"
    )
    script = journey.installation.start(
        "script",
        [sys.executable, str(file), str(512 * KIB), str(512 * KIB + 1)],
        **environment(journey),
    )

    assert script.wait() == 0, script.log[-2000:]
    rows = await journey.records.rows(
        "select state_name, parameters::jsonb ->> 'text' as text from flow_runs run "
        "join flows on flows.id = flow_id where flows.name = 'takes-much' order by run.id"
    )
    assert [row["state_name"] for row in rows] == ["Completed", "Completed"]
    assert [len(rows[0]["text"]), rows[1]["text"]] == [
        512 * KIB - 11,
        "<builtins.str> (too large to show)",
    ]


async def test_parameters_beyond_512_kib_are_refused_as_a_run_is_made(journey: Journey) -> None:
    deployment = await deploy(journey, "takes_much")

    with pytest.raises(InvalidInputError, match=r"^parameters takes at most 512 KiB\.$"):
        await journey.start(deployment, parameters={"text": "x" * 512 * KIB})


async def test_large_map_is_recorded_whole(journey: Journey) -> None:
    count = size(10_000, 500)

    told = completed(run(journey, "maps_much", count=count))

    assert told["result"] == count * (count - 1)
    assert await journey.records.task_states(told["id"]) == {"Completed": count}


@pytest.mark.parametrize("state", ["Completed", "Failed"])
async def test_subflows_twenty_deep_are_recorded(journey: Journey, state: str) -> None:
    done = run(journey, "deep", level=20, end=state)

    told = json.loads(done.out)
    rows = await journey.records.rows(
        "select state_name, parent_task_run_id from flow_runs where root_run_id = $1 or id = $1",
        journey.run_uuid(told["id"]),
    )
    assert (done.code, told["state"]) == (7 if state == "Failed" else 0, state)
    assert told["message"] == {"Failed": "ValueError: the lowest level fails"}.get(state)
    assert Counter(row["state_name"] for row in rows) == {state: 20}
    assert sum(row["parent_task_run_id"] is None for row in rows) == 1


@pytest.mark.parametrize("stage", ["import", "flow", "task", "subflow", "late", "hook", ""])
async def test_process_that_is_killed_crashes_its_run(journey: Journey, stage: str) -> None:
    state = "Crashed" if stage else "Completed"

    run_id = await journey.start(await deploy(journey, "killed_at_a_stage", stage=stage))

    assert await journey.records.ended(run_id) == state
    message = await journey.records.message(run_id)
    assert ("was killed by SIGKILL" in message) is (state == "Crashed")
    attempts = await journey.records.attempts(run_id)
    assert [attempt.outcome for attempt in attempts] == ([] if stage == "import" else [state])


async def test_clock_that_is_an_hour_off_changes_nothing_but_times(journey: Journey) -> None:
    for hours in (-1, 1):
        more = {"PYTHONPATH": str(SKEW), "CHAOS_SHIFT_SECONDS": str(hours * 3600)}

        told = completed(run(journey, "maps_much", more=more, count=3))

        assert await journey.records.states(told["id"]) == ["Pending", "Running", "Completed"]
        assert await journey.records.task_states(told["id"]) == {"Completed": 3}


@pytest.fixture
def link(shared: Installation) -> Generator[Link]:
    """A link before the API, that can be cut."""
    with Proxy() as proxy:
        yield proxy.link("api", shared.apis[0].port)


async def test_server_away_in_the_middle_loses_nothing_and_slows_nothing(
    journey: Journey, link: Link, shared: Installation
) -> None:
    seconds = size(60, 2)
    process = shared.start(
        "away",
        [
            *(sys.executable, "-m", "headgate", "run", f"{FILE}:goes_on", "-o", "json"),
            *("--params", json.dumps({"folder": str(journey.folder), "seconds": seconds + 1.0})),
        ],
        **environment(journey, HEADGATE_API_URL=f"http://127.0.0.1:{link.port}"),
    )
    begun = await reached(journey, process, 10)

    link.lead_to()
    link.reset()
    away = await reached(journey, process, begun + 30 * seconds)
    link.lead_to(shared.apis[0].port)
    journey.open()

    assert process.wait() == 0, process.log[-2000:]
    told = json.loads(process.log[process.log.rindex("\n{") :])
    assert await journey.records.ended(told["id"]) == "Completed"
    assert told["result"]["count"] > away
    assert told["result"]["slowest"] < 1.0
    count = int(told["result"]["count"])
    assert await journey.records.task_states(told["id"]) == {"Completed": count}
    messages = [message for _, message in await journey.logged(told["id"])]
    assert [m for m in messages if m.startswith("did ")] == [f"did {n}" for n in range(count)]


async def reached(journey: Journey, process: Leashed, count: int) -> int:
    """Return how many tasks were done once it is so many."""

    def done() -> int:
        assert process.exit_code is None, process.log[-2000:]
        file = journey.folder / "done"
        text = file.read_text() if file.exists() else ""
        return int(text) if text and int(text) >= count else 0

    return await eventually(done, within_seconds=300, what=f"{count} tasks")
