"""What a flow returns, kept where the flow asks for it, and read by who started its run."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from headgate import State, flow
from headgate.engine.flow_results import KeptState
from headgate.exceptions import MissingResult
from headgate.states import StateType


def seen_from_afar(state: State[Any]) -> State[Any]:
    """Return a state as another process has it from the server: without its data."""
    return KeptState(StateType(state.type), name=state.name, details=state.details)


def test_a_flow_keeps_what_it_returns_where_it_says(tmp_path: Path) -> None:
    @flow(persist_result=True, result_storage=tmp_path, result_serializer="json")
    def load(x: int) -> dict[str, int]:
        return {"x": x}

    state = load(6, return_state=True)

    assert len(list(tmp_path.glob("flow-runs/*"))) == 1
    assert state.result() == {"x": 6}
    assert seen_from_afar(state).result() == {"x": 6}


def test_a_flow_keeps_what_it_returns_in_the_configured_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_RESULT_STORAGE", str(tmp_path))

    @flow(persist_result=True)
    async def load() -> set[int]:
        return {1}

    state = asyncio.run(load(return_state=True))

    assert len(list(tmp_path.glob("flow-runs/*"))) == 1
    assert seen_from_afar(state).result() == {1}


def test_a_flow_that_does_not_ask_keeps_nothing(tmp_path: Path) -> None:
    @flow
    def load() -> int:
        return 1

    with pytest.raises(MissingResult, match="persist_result=True"):
        seen_from_afar(load(return_state=True)).result()


def test_a_result_that_is_gone_is_missed(tmp_path: Path) -> None:
    @flow(result_storage=tmp_path)
    def load() -> int:
        return 1

    state = load(return_state=True)
    for file in tmp_path.glob("flow-runs/*"):
        file.unlink()

    with pytest.raises(MissingResult, match="as seen from here"):
        seen_from_afar(state).result()


def test_a_result_that_cannot_be_kept_fails_the_flow(tmp_path: Path) -> None:
    @flow(persist_result=True, result_storage=tmp_path)
    def load() -> Any:
        return threading.Lock()

    state = load(return_state=True)

    assert state.is_failed()
    assert "cannot be kept" in (state.message or "")


def test_a_failure_is_raised_as_ever() -> None:
    with pytest.raises(Exception, match="no"):
        KeptState(StateType.FAILED, message="no").result()
