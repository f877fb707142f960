"""The examples: each runs by itself, as a user would run it, without a server."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from headgate.deployments.project_file import read_project
from tests.client.cli.commands import Done, headgate
from tests.fixtures.repository import ROOT

EXAMPLES = ROOT / "client" / "examples"


def run(name: str, tmp_path: Path, *arguments: str) -> Done:
    return headgate(
        *("run", str(EXAMPLES / f"{name}.py"), *arguments, "-o", "json"),
        environment={"HEADGATE_HOME": str(tmp_path / "home")},
        folder=tmp_path,
    )


def test_weather_stores_every_month(tmp_path: Path) -> None:
    done = run("weather", tmp_path)

    assert (done.code, json.loads(done.out)["result"]) == (0, 48), done.err
    with closing(sqlite3.connect(tmp_path / "weather.db")) as connection:
        rows = connection.execute("SELECT * FROM months ORDER BY month").fetchall()
    assert len(rows) == 48
    assert rows[0] == ("2012-01", 31, 173.3, 7.05, 22)
    assert sum(row[1] for row in rows) == 1461
    assert "| 2015 | 1139.2 | 144 | 28.1 °C |" in done.err


def test_flaky_completes_at_the_third_attempt(tmp_path: Path) -> None:
    done = run("flaky", tmp_path)

    assert (done.code, json.loads(done.out)["result"]) == (0, "answered at attempt 3")


def test_flaky_fails_when_the_retries_are_used_up(tmp_path: Path) -> None:
    done = run("flaky", tmp_path, "-p", "failures=4")

    assert done.code == 7
    assert "The far end hung up (attempt 4)" in json.loads(done.out)["message"]


def test_broken_says_why(tmp_path: Path) -> None:
    done = run("broken", tmp_path)

    assert done.code == 7
    assert json.loads(done.out)["message"] == "ValueError: Order 1003 has no amount"


def test_heartbeat_and_hello_complete(tmp_path: Path) -> None:
    assert run("heartbeat", tmp_path).code == 0
    assert json.loads(run("hello", tmp_path, "-p", "count=4").out)["result"] == 12


def test_project_file_deploys_every_example() -> None:
    specs = read_project(EXAMPLES / "headgate.yaml")

    files = {path.name for path in EXAMPLES.glob("*.py")}
    assert {spec.entrypoint.partition(":")[0] for spec in specs} == files
