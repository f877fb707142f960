"""What the chaos matrix runs for the names that it is given."""

import subprocess
from collections.abc import Callable

import pytest

from tests.chaos.__main__ import LONG, OTHERS, choose, choose_others, main
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


def test_without_a_name_all_but_the_long_is_run() -> None:
    assert choose(()) == [*SCENARIOS, *PLANTED]
    assert set(choose_others(())) == set(OTHERS) - LONG


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
