"""``headgate profiles``: a whole life of profiles, and keys that stay unseen."""

import json
from pathlib import Path

import pytest

from tests.client.cli.commands import Done, headgate

KEY = "hg_key_0123456789abcdef_secret"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def profiles(home: Path, *arguments: str, stdin: str = "") -> Done:
    return headgate("profiles", *arguments, environment={"HEADGATE_HOME": str(home)}, stdin=stdin)


def test_first_profile_is_the_active_one(home: Path) -> None:
    profiles(home, "create", "dev", "--api-url", "http://127.0.0.1:1", "--workspace", "a/b")
    profiles(home, "create", "prod", "--api-url", "https://example.com")

    done = profiles(home, "list", "-o", "json")

    rows = [(row["name"], row["active"], row["workspace"]) for row in json.loads(done.out)]
    assert rows == [("dev", True, "a/b"), ("prod", False, None)]


def test_key_is_read_from_standard_input_and_never_shown(home: Path) -> None:
    created = profiles(home, "create", "dev", "--api-key", "-", stdin=f"{KEY}\n")
    shown = profiles(home, "inspect", "-o", "json")

    assert created.code == 0
    assert "secret" not in created.out + shown.out
    assert json.loads(shown.out)["api_key"] == f"{KEY[:12]}…"
    assert KEY in (home / "profiles.toml").read_text()


def test_set_changes_and_an_empty_value_removes(home: Path) -> None:
    profiles(home, "create", "dev", "--api-url", "http://127.0.0.1:1", "--log-level", "DEBUG")

    done = profiles(home, "set", "dev", "--workspace", "a/b", "--log-level", "", "-o", "json")

    assert json.loads(done.out) == {
        "name": "dev",
        "active": True,
        "api_url": "http://127.0.0.1:1",
        "api_key": None,
        "workspace": "a/b",
        "log_level": None,
    }


def test_use_and_delete(home: Path) -> None:
    profiles(home, "create", "dev")
    profiles(home, "create", "prod")

    assert profiles(home, "use", "prod").code == 0
    assert profiles(home, "delete", "dev").code == 0

    rows = json.loads(profiles(home, "list", "-o", "json").out)
    assert [(row["name"], row["active"]) for row in rows] == [("prod", True)]


def test_name_that_is_taken_is_a_conflict(home: Path) -> None:
    profiles(home, "create", "dev")

    done = profiles(home, "create", "dev")

    assert done.code == 5
    assert "headgate profiles set dev" in done.err


def test_unknown_name_suggests_a_near_one(home: Path) -> None:
    profiles(home, "create", "production")

    done = profiles(home, "use", "prodction")

    assert done.code == 4
    assert "Did you mean production?" in done.err


def test_profile_named_on_the_command_line_wins_over_the_environment(home: Path) -> None:
    url = "http://127.0.0.1:9"
    profiles(home, "create", "dev", "--api-url", url, "--workspace", "a/b")

    done = headgate(
        *("--profile", "dev", "status"),
        environment={
            "HEADGATE_HOME": str(home),
            "HEADGATE_API_URL": "http://127.0.0.1:10",
            "HEADGATE_REQUEST_DEADLINE_SECONDS": "0",
        },
    )

    assert done.code == 6
    assert f"The server at {url}/graphql did not answer" in done.err
