"""What the clients of every release said is still understood: recorded calls, made again.

A recording is made at a release, see ``tests/fixtures/wire_recorder.py``, and never changed.
"""

import json
from typing import Any, cast

import pytest

from headgate.ids import make_id
from headgate.states import timestamp_now
from headgate_server.services.bootstrap import bootstrap_dev
from tests.fixtures.installations import PEPPER, Installation
from tests.fixtures.wire_recorder import FOLDER, REFERENCE

pytestmark = pytest.mark.anyio

RECORDINGS = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}


def resolve(value: Any, *, answers: list[Any], known: dict[str, str]) -> Any:
    """Return what was recorded with every reference replaced by what was answered this time."""
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        if REFERENCE in given:
            return follow(given[REFERENCE], answers=answers, known=known)
        return {key: resolve(inner, answers=answers, known=known) for key, inner in given.items()}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [resolve(inner, answers=answers, known=known) for inner in items]
    return value


def follow(path: list[Any], *, answers: list[Any], known: dict[str, str]) -> Any:
    if isinstance(path[0], str):
        return known[path[0]]
    found = answers[path[0]]
    for step in path[1:]:
        found = found[step]
    return found


def unlike(expected: Any, found: Any, *, at: str = "data") -> list[str]:
    """Return where an answer lacks what was answered then, or is of another kind there."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{at} is no object any more"]
        shapes, values = cast("dict[str, Any]", expected), cast("dict[str, Any]", found)
        return [
            wrong
            for key, shape in shapes.items()
            for wrong in (
                unlike(shape, values[key], at=f"{at}.{key}")
                if key in values
                else [f"{at}.{key} is gone"]
            )
        ]
    if isinstance(expected, list):
        if not isinstance(found, list):
            return [f"{at} is no list any more"]
        shapes, items = cast("list[Any]", expected), cast("list[Any]", found)
        return unlike(shapes[0], items[0], at=f"{at}[0]") if shapes and items else []
    kind = type(found).__name__
    is_same = "NoneType" in (expected, kind) or expected == kind
    return [] if is_same else [f"{at} was {expected}, is {kind}"]


def test_there_are_recordings_from_before_and_after_clients_made_ids() -> None:
    made = {
        version: any(
            "leaseToken" in call["variables"].get("input", {})
            for call in calls
            if call["operation"] == "FlowRunBegin"
        )
        for version, calls in RECORDINGS.items()
    }

    assert made["0.1.0"] is False
    assert made["0.1.0+20261129"] is True


@pytest.mark.parametrize("version", RECORDINGS)
async def test_a_released_client_is_understood(version: str, installation: Installation) -> None:
    made = await bootstrap_dev(installation.database, pepper=PEPPER)
    answers = list[Any]()

    for call in RECORDINGS[version]:
        known = {"key": made.secret, "run_id": make_id("run"), "now": timestamp_now()}
        client = installation.holding(resolve(call["token"], answers=answers, known=known))
        variables = resolve(call["variables"], answers=answers, known=known)
        answer = await client.execute(call["document"], **variables)
        assert unlike(call["shape"], answer.data) == [], call["operation"]
        answers.append(answer.data)


def test_an_answer_that_lost_a_field_or_changed_its_kind_is_caught() -> None:
    shape = {"run": {"id": "str", "attempt": "int", "tags": ["str"], "endedAt": "NoneType"}}
    whole = {"run": {"id": "r", "attempt": 1, "tags": ["a"], "endedAt": "2026", "more": 1}}

    assert unlike(shape, whole) == []
    assert unlike(shape, {"run": {"id": "r", "attempt": "1", "tags": [1]}}) == [
        "data.run.attempt was int, is str",
        "data.run.tags[0] was str, is int",
        "data.run.endedAt is gone",
    ]
