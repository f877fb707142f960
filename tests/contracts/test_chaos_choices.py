"""What the chaos matrix runs for the names that it is given."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.chaos import disk_full
from tests.chaos.__main__ import OTHERS, choose, choose_others, main
from tests.chaos.scenarios import PLANTED, SCENARIOS
from tests.fixtures.repository import ROOT


@pytest.mark.parametrize("only", ["nonsense", f"{SCENARIOS[0].name},nonsense"])
def test_name_that_does_not_exist_is_refused_with_those_that_do(
    only: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--only", only])

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert said.err.startswith("No scenario nonsense; there are ")
    assert SCENARIOS[0].name in said.err
    assert all(name in said.err for name in OTHERS)


def test_command_answers_2_for_a_name_that_does_not_exist() -> None:
    result = subprocess.run(
        ["bash", "infra/dev/chaos.sh"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "ONLY": "nonsense"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr


def test_without_a_name_everything_is_run() -> None:
    assert choose(()) == [*SCENARIOS, *PLANTED]
    assert choose_others(()) == list(OTHERS)


def test_trailing_comma_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def note(name: str) -> Callable[[int], int]:
        def command(_seed: int) -> int:
            taken.append(name)
            return 0

        return command

    for name in list(OTHERS):
        monkeypatch.setitem(OTHERS, name, note(name))

    assert main(["--only", "schedules,"]) == 0
    assert main(["--only", "outage-8 , "]) == 0
    assert taken == ["schedules", "outage-8"]


def test_what_is_skipped_is_neither_well_nor_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(OTHERS, disk_full.NAME, lambda _: disk_full.SKIPPED)

    assert main(["--only", disk_full.NAME]) == 0

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["scenarios"], line["failed"], line["skipped"]) == (0, [], [disk_full.NAME])
