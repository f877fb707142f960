"""Scopes that a terminal asks for: one that is none asks for nothing, and not for all."""

import pytest

from tests.fixtures.installations import Installation
from tests.fixtures.visitors import visit

pytestmark = pytest.mark.anyio


async def test_scope_that_is_none_is_told_which_there_are(
    installation: Installation,
) -> None:
    asked = {"client": "a terminal", "days": 30, "scopes": ["RUNS_READ", "RUNS_RED"]}
    async with visit(installation.app) as terminal:
        begun = await terminal.client.post("/auth/device/begin", json=asked)
        page = await terminal.get(
            "/auth/cli", port="50000", state="s" * 43, challenge="c" * 43, scopes="RUNS_RED"
        )

    assert begun.status_code == 400
    assert "scopes are of AGENTS_CONNECT, " in begun.text
    assert "RUNS_RED" not in begun.text.replace("RUNS_READ", "")
    assert "all that you may do" not in page.text
