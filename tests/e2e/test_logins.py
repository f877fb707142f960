"""``headgate login``: real processes, a server with its pages, and a person at a browser."""

import json
import re
import shlex
import stat
import sys
from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Client, Response

from headgate.credentials import Credential, store_credential
from tests.client.cli.commands import Done, headgate
from tests.e2e.dev_server import DevServer, dev_server, start
from tests.fixtures.deadlines import eventually_sync
from tests.fixtures.leashed import Leashed

pytestmark = pytest.mark.e2e

PASSWORD = "four words make sense"
OWNER = "owner@localhost"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    with dev_server(tmp_path_factory.mktemp("logins")) as server:
        log = (server.folder / "server.log").read_text()
        token = re.findall(r"/auth/password/new#(\S+)", log)[-1]
        with Client(base_url=server.url) as browser:
            done = post(browser, "/auth/password/new", token=token, password=PASSWORD)
            assert done.status_code == 200, done.text
        yield server


@pytest.fixture
def browser(server: DevServer) -> Generator[Client]:
    """A person at a browser, signed in."""
    with Client(base_url=server.url) as browser:
        assert post(browser, "/auth/sign-in", email=OWNER, password=PASSWORD).status_code == 200
        yield browser


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def post(browser: Client, path: str, **body: object) -> Response:
    headers = {"x-headgate": "1", "origin": str(browser.base_url).rstrip("/")}
    return browser.post(path, json=body, headers=headers)


def ask(home: Path, *arguments: str, stdin: str = "") -> Done:
    """Run a command with the home of a person, and nothing else that leads to the server."""
    return headgate(*arguments, environment={"HEADGATE_HOME": str(home)}, stdin=stdin)


def begin(server: DevServer, home: Path, *arguments: str, **variables: str) -> Leashed:
    """Start a login, which waits for a person."""
    clean = {"HEADGATE_HOME": str(home), "DISPLAY": "", "SSH_CONNECTION": "", **variables}
    command = [sys.executable, "-m", "headgate", "login", "--api-url", server.url, *arguments]
    home.mkdir(exist_ok=True)
    return start("login", command, folder=home, variables=clean)


def place_in(page: str) -> str:
    (found,) = re.findall(r'<option value="(org_\w+)">', page)
    return found


def code_of(login: Leashed) -> str:
    """Return the code that a terminal shows."""
    found = eventually_sync(
        lambda: re.findall(r"\b[A-Z]{4}-[A-Z]{4}\b", login.log), within_seconds=30, what="A code"
    )
    return found[0]


def check_logged_in(home: Path) -> None:
    file = home / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = json.loads(file.read_text())["default"]
    assert kept["api_key"] not in (home / "profiles.toml").read_text()
    done = ask(home, "whoami", "-o", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert (told["email"], told["organization"]) == (OWNER, "default")
    assert told["keyName"].startswith("headgate on ")
    done = ask(home, "work-pools", "list", "-o", "json")
    assert [one["name"] for one in json.loads(done.out)] == ["default"]


def test_browser_of_the_machine_logs_a_terminal_in(
    server: DevServer, browser: Client, home: Path
) -> None:
    opened = home / "opened"
    opener = f"{shlex.join([sys.executable, str(_script(home, opened))])} %s"
    with begin(server, home, BROWSER=opener) as login:
        eventually_sync(opened.exists, within_seconds=30, what="The browser")
        address = opened.read_text()
        page = browser.get(address)
        asked = {name: one[0] for name, one in parse_qs(urlsplit(address).query).items()}
        answer = post(
            browser,
            "/auth/cli/allow",
            port=int(asked["port"]),
            state=asked["state"],
            challenge=asked["challenge"],
            client=asked["client"],
            days=int(asked["days"]),
            isAllowed=True,
            organization=place_in(page.text),
        )
        forged = browser.get(f"http://127.0.0.1:{asked['port']}/callback?code=x&state=y")
        handed = browser.get(str(answer.json()["location"]))
        assert login.wait() == 0, login.log
        told = login.log

    assert (forged.status_code, handed.status_code) == (400, 200)
    assert "Logged in to" in told
    check_logged_in(home)


def test_code_logs_a_terminal_in_and_logout_revokes_its_key(
    server: DevServer, browser: Client, home: Path
) -> None:
    with begin(server, home, "--device", "--days", "1") as login:
        code = code_of(login)
        page = browser.get("/auth/device", params={"code": code})
        done = post(
            browser,
            "/auth/device/decide",
            code=code,
            isAllowed=True,
            organization=place_in(page.text),
        )
        assert done.status_code == 200, done.text
        assert login.wait() == 0, login.log
    check_logged_in(home)
    key = json.loads((home / "credentials.json").read_text())["default"]["api_key"]

    out, again = ask(home, "logout"), ask(home, "logout")

    assert (out.code, again.code) == (0, 4), out.err
    assert "revoked" in out.err
    assert (home / "credentials.json").read_text() == "{}"
    with Client(base_url=server.url) as program:

        def is_refused() -> bool:
            answer = program.post(
                "/graphql",
                json={"query": "{ viewer { scopes } }"},
                headers={"authorization": f"Bearer {key}"},
            )
            return answer.status_code == 401

        # A replica takes a key's word for a second.
        eventually_sync(is_refused, within_seconds=3, what="The refusal")


def test_profile_that_is_deleted_takes_its_key_along(
    server: DevServer, browser: Client, home: Path
) -> None:
    own = post(browser, "/graphql", query="{ viewer { user { id } } }").json()
    given = {"ownerId": own["data"]["viewer"]["user"]["id"], "name": "t", "scopes": ["RUNS_READ"]}
    make = "mutation ($i: ApiKeyCreateInput!) { apiKeyCreate(input: $i) { apiKey { id } secret } }"
    made = post(browser, "/graphql", query=make, variables={"i": given}).json()
    key = made["data"]["apiKeyCreate"]
    kept = Credential(server.url, key["secret"], key_id=key["apiKey"]["id"])
    ask(home, "profiles", "create", "old", "--api-url", server.url)
    store_credential(home, profile="old", credential=kept)
    before = names_of_keys(browser)

    deleted = ask(home, "profiles", "delete", "old")

    assert deleted.code == 0, deleted.err
    assert deleted.err.endswith(f"Its key for {server.url} is revoked.\n")
    assert (home / "credentials.json").read_text() == "{}"
    assert (before.count("t"), names_of_keys(browser).count("t")) == (1, 0)


def names_of_keys(browser: Client) -> list[str]:
    answer = post(browser, "/graphql", query="{ viewer { apiKeys { name } } }")
    return [one["name"] for one in answer.json()["data"]["viewer"]["apiKeys"]]


def test_login_that_fails_after_the_consent_leaves_no_key(
    server: DevServer, browser: Client, home: Path
) -> None:
    before = names_of_keys(browser)
    with begin(server, home, "--device", "--workspace", "default/defualt") as login:
        code = code_of(login)
        page = browser.get("/auth/device", params={"code": code})
        allowed = {"isAllowed": True, "organization": place_in(page.text)}
        post(browser, "/auth/device/decide", code=code, **allowed)
        ended = login.wait()
        assert ended == 4, login.log

    assert not (home / "credentials.json").exists()
    assert names_of_keys(browser) == before


def test_refusal_ends_the_login(server: DevServer, browser: Client, home: Path) -> None:
    with begin(server, home, "--device") as login:
        code = code_of(login)
        post(browser, "/auth/device/decide", code=code, isAllowed=False)
        assert login.wait() == 3, login.log

    assert not (home / "credentials.json").exists()


def test_key_logs_in_and_workspaces_are_listed_and_used(server: DevServer, home: Path) -> None:
    login = ("login", "--key", "-", "--api-url", server.url)
    done = ask(home, *login, stdin=f"{server.api_key}\n")
    listed = ask(home, "workspaces", "list", "-o", "json")
    used = ask(home, "workspaces", "use", "default")
    missing = ask(home, "workspaces", "use", "default/defalt")

    assert done.code == 0, done.err
    assert server.api_key not in done.err + done.out
    assert json.loads(listed.out) == [
        {"handle": "default/default", "name": "Default", "active": True}
    ]
    assert used.code == 0, used.err
    assert missing.code == 4
    assert "default/default" in missing.err


def test_workspace_is_archived_and_opened_and_not_deleted_while_open(
    server: DevServer, home: Path
) -> None:
    ask(home, "login", "--key", "-", "--api-url", server.url, stdin=f"{server.api_key}\n")
    asked = ask(home, "workspaces", "archive", "default")
    archived = ask(home, "workspaces", "archive", "default", "--yes")
    opened = ask(home, "workspaces", "unarchive", "default/default")
    refused = ask(home, "workspaces", "delete", "default", "--yes")

    assert (asked.code, archived.code, opened.code) == (2, 0, 0), archived.err + opened.err
    assert "--yes" in asked.err
    assert "default/default" in archived.err
    assert refused.code != 0
    assert "Archive the workspace first" in refused.err


def test_wrong_key_is_not_kept(server: DevServer, home: Path) -> None:
    done = ask(home, "login", "--key", "hg_key_nonsense", "--api-url", server.url)

    assert done.code == 3, done.err
    assert not (home / "credentials.json").exists()


def _script(home: Path, opened: Path) -> Path:
    """Return a browser that writes down what it was to open."""
    home.mkdir(exist_ok=True)
    script = home / "browser.py"
    script.write_text(
        "import os, sys\n"
        f"path = {str(opened)!r}\n"
        "open(path + '.new', 'w').write(sys.argv[1])\n"
        "os.rename(path + '.new', path)\n"
    )
    return script
