"""``headgate-server people``: what an operator does for people from a terminal."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headgate_server.database.urls import DatabaseUrls
from tests.e2e.dev_server import dev_server
from tests.factories.people import Person
from tests.fixtures.api import open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.e2e

AT_ONCE_SECONDS = 3.0
"""From the end of the command; a socket that nobody wakes looks once a minute."""
VIEWER = "{ viewer { user { email } } }"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HEADGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "headgate_server", "people", *arguments],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def operate(
    urls: DatabaseUrls, redis_url: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        run,
        *arguments,
        HEADGATE_DATABASE_URL=urls.app,
        HEADGATE_SYSTEM_DATABASE_URL=urls.system,
        HEADGATE_REDIS_URL=redis_url,
        HEADGATE_SECRET_KEY=SECRET_KEY,
    )


@pytest.mark.parametrize(
    "change",
    [("suspend",), ("end-sessions",), ("operator", "--off"), ("delete",)],
    ids=lambda one: one[0],
)
async def test_sockets_of_who_is_put_out_close_at_once(
    installation: Installation,
    browser: Browser,
    person: Person,
    urls: DatabaseUrls,
    redis_url: str,
    change: tuple[str, ...],
) -> None:
    made = await operate(urls, redis_url, "operator", "--on", person.email)
    cookie = f"{COOKIE}={browser.cookie}"

    async with (
        serve(installation.app) as address,
        open_socket(address, origin=f"http://{address}", cookie=cookie) as socket,
    ):
        await socket.init(None)
        await socket.run(VIEWER)
        done = await operate(urls, redis_url, *change, person.email)
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert await socket.closed() == 4403

    assert (made.returncode, done.returncode) == (0, 0), (made.stderr, done.stderr)


async def test_operator_lists_and_lets_in_again(
    browser: Browser, person: Person, urls: DatabaseUrls, redis_url: str
) -> None:
    assert browser.cookie is not None
    suspended = await operate(urls, redis_url, "suspend", person.email)
    told = json.loads((await operate(urls, redis_url, "list", "-o", "json")).stdout)
    table = (await operate(urls, redis_url, "list")).stdout.splitlines()
    resumed = await operate(urls, redis_url, "resume", person.email)
    factor = await operate(urls, redis_url, "remove-second-factor", person.email)
    nobody = await operate(urls, redis_url, "resume", "nobody@example.com")

    assert (suspended.returncode, resumed.returncode) == (0, 0), (suspended, resumed)
    (row,) = [one for one in told if one["email"] == person.email]
    assert {
        "organizations": 1,
        "isOperator": False,
        "hasSecondFactor": False,
    }.items() <= row.items()
    assert row["suspendedAt"] is not None
    (line,) = [line for line in table if line.startswith(f"{person.email} ")]
    assert line.endswith(" suspended")
    assert (factor.returncode, nobody.returncode) == (1, 1)
    assert "They have no second factor." in factor.stderr
    assert "Nobody has this address." in nobody.stderr
    assert (await browser.sign_in(person)).status == 200


def test_operator_reaches_who_uses_dev(tmp_path: Path) -> None:
    with dev_server(tmp_path) as server:
        before = server.here("whoami")
        done = run("--data-dir", str(tmp_path / "data"), "suspend", "owner@localhost")
        after = server.here("whoami")

    assert (before.code, done.returncode) == (0, 0), (before.err, done.stderr)
    assert after.code != 0
