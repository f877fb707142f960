"""Figures are printed as their readers expect them."""

import json

import pytest

from tests.load import bloat
from tests.load.__main__ import main, measurements
from tests.load.figures import Figure, percentile


def test_figure_is_one_line_of_json() -> None:
    line = Figure("import_ms", "ms", [3.0, 1.0, 2.00006, 10.0]).line()

    assert json.loads(line) == {
        "figure": "import_ms",
        "unit": "ms",
        "n": 4,
        "min": 1.0,
        "median": 2.5,
        "p95": 10.0,
        "max": 10.0,
    }


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (19, 19), (20, 19), (100, 95)])
def test_percentile_is_a_sample(count: int, expected: int) -> None:
    samples = [float(number) for number in range(1, count + 1)]

    assert percentile(samples, fraction=0.95) == expected


def test_unknown_figure_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing_of_that_name"]) == 2

    assert capsys.readouterr().err.startswith("No figure nothing_of_that_name; there are ")


def test_beginning_of_names_stands_for_all_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = [Figure(name, "s", [1.0]) for name in bloat.FIGURES]
    monkeypatch.setattr(bloat, "measure", lambda: taken)

    assert main(["bloat_claim*"]) == 0

    found = [json.loads(line)["figure"] for line in capsys.readouterr().out.splitlines()]
    assert found == [name for name in bloat.FIGURES if name.startswith("bloat_claim")]
    assert len(found) == 6


def test_no_figure_is_measured_twice() -> None:
    figures = [name for module in measurements() for name in module.FIGURES]

    assert "created_to_running_s" in figures
    assert len(figures) == len(set(figures))
