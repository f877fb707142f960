"""Schedules and deletions on the command line, against a real server."""

from collections.abc import Generator

import pytest

from tests.e2e.dev_server import DevServer, dev_server

pytestmark = pytest.mark.e2e

FLOW = """
from headgate import flow

@flow
def add(count: int = 3) -> int:
    return count
"""
PROJECT = """
deployments:
  - name: one
    entrypoint: "flows.py:add"
    work_pool: default
    schedule: {rrule: "FREQ=WEEKLY;BYDAY=MO;BYHOUR=7;BYMINUTE=0", timezone: Europe/Berlin}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    """A server with one scheduled deployment and no agent."""
    folder = tmp_path_factory.mktemp("schedules")
    (folder / "flows.py").write_text(FLOW)
    (folder / "headgate.yaml").write_text(PROJECT)
    with dev_server(folder) as server:
        done = server.here("deploy")
        assert done.code == 0, done.err
        yield server


def test_schedule_is_made_paused_resumed_and_deleted(server: DevServer) -> None:
    made = server.read(
        *("schedules", "create", "one", "nightly", "--cron", "30 2 * * *"),
        *("--timezone", "Europe/Berlin", "-p", "count=5"),
    )
    again = server.here("schedules", "create", "one", "nightly", "--interval", "1h")
    paused = server.here("schedules", "pause", "one", "nightly")
    off = {found["slug"]: found for found in server.read("schedules", "list")}
    resumed = server.here("schedules", "resume", "one", "nightly")
    on = {found["slug"]: found for found in server.read("schedules", "list")}
    unsure = server.here("schedules", "delete", "one", "nightly")
    deleted = server.here("schedules", "delete", "one", "nightly", "--yes")

    assert made["description"] == "every day at 02:30 Europe/Berlin"
    assert (made["parameters"], made["active"]) == ({"count": 5}, True)
    assert again.code == 5
    assert (paused.code, resumed.code, deleted.code) == (0, 0, 0)
    assert off["nightly"]["active"] is False
    assert on["nightly"] == {**off["nightly"], "active": True, "version": 3} | {
        "nextAt": on["nightly"]["nextAt"]
    }
    assert on["default"]["description"] == "every Monday at 07:00 Europe/Berlin"
    assert unsure.code == 2
    assert "--yes" in unsure.err
    assert [found["slug"] for found in server.read("schedules", "list")] == ["default"]


def test_preview_shows_what_was_made_and_what_was_not(server: DevServer) -> None:
    stored = server.read("schedules", "preview", "one", "-n", "3")
    wanted = server.read("schedules", "preview", "--rrule", "FREQ=HOURLY;BYMINUTE=0", "-n", "2")
    wrong = server.here("schedules", "preview", "--rrule", "FREQ=DAILY;BYHOUR=9,25")
    field = server.here("schedules", "preview", "--cron", "0 6 * 13 *")
    both = server.here("schedules", "preview", "--cron", "* * * * *", "--interval", "1h")

    assert [fire["wallClock"][11:16] for fire in stored] == ["07:00"] * 3
    assert len(wanted) == 2
    assert (wrong.code, field.code, both.code) == (2, 2, 2)
    assert "'25' is not a number from 0 to 23" in wrong.err
    lines = wrong.err.splitlines()
    place = next(index for index, line in enumerate(lines) if line.strip() == "^")
    assert lines[place - 1][lines[place].index("^") :] == "25"


def test_what_is_needed_is_not_deleted_and_what_is_not_goes(server: DevServer) -> None:
    run = server.read("deployments", "run", "one")
    live = server.here("flow-runs", "delete", run["id"], "--yes")
    needed = server.here("deployments", "delete", "one", "--yes")
    pool = server.here("work-pools", "delete", "default", "--yes")
    server.here("flow-runs", "cancel", run["id"])
    asked = server.here("flow-runs", "delete", run["id"])
    steps = [
        server.here("flow-runs", "delete", run["id"], "--yes"),
        server.here("deployments", "delete", "add/one", "-y"),
        server.here("flows", "delete", "add", "--yes"),
        server.here("work-pools", "delete", "default", "--yes"),
    ]

    assert (live.code, needed.code, pool.code) == (5, 5, 5)
    assert "cancel it first" in live.err
    assert asked.code == 2
    assert [done.code for done in steps] == [0, 0, 0, 0], [done.err for done in steps]
    assert server.read("deployments", "list") == []
    assert server.here("flows", "delete", "add", "--yes").code == 4
