"""``headgate-server doctor``: what it finds in an installation that is well, and in broken ones."""

import pytest

from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.version import newest
from tests.fixtures.check_ups import doctor, examine
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installation import free_port
from tests.fixtures.sql import query

pytestmark = pytest.mark.e2e

REDIS_NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def environment(urls: DatabaseUrls, redis_url: str) -> dict[str, str]:
    """The settings of an installation that nobody runs."""
    return {
        "HEADGATE_OWNER_DATABASE_URL": urls.owner,
        "HEADGATE_DATABASE_URL": urls.app,
        "HEADGATE_SYSTEM_DATABASE_URL": urls.system,
        "HEADGATE_REDIS_URL": redis_url,
        "HEADGATE_SECRET_KEY": SECRET_KEY,
        "HEADGATE_PORT": str(free_port()),
    }


async def test_an_installation_without_agents_gets_a_warning_and_no_error(
    environment: dict[str, str], urls: DatabaseUrls
) -> None:
    await query(urls.owner, "update control_plane set last_tick_at = now()")
    # The databases of tests may have been made before midnight.
    await query(urls.owner, "select make_partitions(14)")

    code, found = examine(environment)

    assert {check: finding["level"] for check, finding in found.items()} == {
        **dict.fromkeys(found, "OK"),
        "agents": "WARNING",
    }
    assert code == 3
    assert found["migrations"]["message"] == f"The database is at migration {newest()}."
    assert found["partitions"]["message"] == "There are partitions for 14 days ahead."
    assert "headgate agent start" in found["agents"]["remedy"]
    assert set(found) >= {"secret", "ports", "redis", "roles", "clock", "tenants", "scheduler"}


async def test_each_fault_is_an_error_that_says_what_to_do(
    environment: dict[str, str], urls: DatabaseUrls
) -> None:
    await query(urls.owner, "alter table logs no force row level security")
    await query(urls.owner, "update control_plane set last_tick_at = now() - interval '1 hour'")
    environment["HEADGATE_REDIS_URL"] = REDIS_NOWHERE

    code, found = examine(environment)

    assert code == 1
    errors = {check for check, finding in found.items() if finding["level"] == "ERROR"}
    assert errors == {"redis", "tenants", "scheduler"}
    assert found["tenants"]["message"] == "No row-level security on logs."
    assert all(found[check]["remedy"] for check in errors)


def test_a_database_out_of_reach_is_told_in_words_without_its_password(
    environment: dict[str, str],
) -> None:
    environment["HEADGATE_DATABASE_URL"] = environment["HEADGATE_SYSTEM_DATABASE_URL"] = ""
    environment["HEADGATE_OWNER_DATABASE_URL"] = "postgresql://nobody:secret@127.0.0.1:1/nothing"

    ended = doctor(environment)

    assert ended.returncode == 1
    assert "ERROR    database    The server cannot work with it." in ended.stdout
    assert "headgate-server migrate" in ended.stdout
    assert "secret@" not in ended.stdout


def test_settings_alone_can_be_wrong() -> None:
    code, found = examine({"HEADGATE_PORT": str(free_port())})

    assert code == 1
    assert {check for check, finding in found.items() if finding["level"] == "ERROR"} == {
        "secret",
        "redis",
        "database",
    }
