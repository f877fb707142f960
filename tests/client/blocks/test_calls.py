"""Blocks that tell others something, or sign in to them: over real sockets, by real programs."""

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headgate.blocks import registry
from headgate.blocks.core import Block
from headgate.blocks.docker import DockerRegistry
from headgate.blocks.git import GitCredentials
from headgate.blocks.notifications import Notification
from headgate.blocks.webhooks import SlackWebhook, Webhook
from headgate.errors import BlockError, MissingExtraError
from tests.client.blocks.stand_in import Asked, stand_in

TOKEN = "s3cret-token-of-a-test"


def block(cls: type[Block], **data: Any) -> Any:
    return cls.model_validate(data)


def taken(_: Asked) -> tuple[int, Any]:
    return 200, b"ok"


def test_a_webhook_is_called_with_its_headers() -> None:
    with stand_in(taken) as server:
        hook = block(Webhook, url=f"{server.url}/{TOKEN}", headers={"X-Key": TOKEN}, method="PUT")
        answered = hook.call({"a": [1]})

    asked = server.asked[0]
    assert (answered.status, answered.text) == (200, "ok")
    assert (asked.method, asked.path, asked.headers["x-key"]) == ("PUT", f"/{TOKEN}", TOKEN)
    assert asked.json() == {"a": [1]}
    assert TOKEN not in repr(hook)


async def test_a_webhook_is_awaited_in_a_coroutine() -> None:
    with stand_in(taken) as server:
        first = await block(Webhook, url=server.url).call()
        second = await block(Webhook, url=server.url, method="GET").acall()

    assert [first.status, second.status] == [200, 200]


def test_a_webhook_that_fails_does_not_tell_its_address() -> None:
    with stand_in(lambda asked: (503, b"")) as server:
        hook = block(Webhook, url=f"{server.url}/{TOKEN}")
        with pytest.raises(BlockError, match="the status 503"):
            hook.call()
    with pytest.raises(BlockError, match="cannot be called: ClientConnector") as away:
        hook.call()
    with pytest.raises(BlockError, match="cannot be called: InvalidUrl") as odd:
        block(Webhook, url=f"http:///{TOKEN}").call()

    assert TOKEN not in f"{away.value}{odd.value}"


def test_slack_is_notified() -> None:
    with stand_in(taken) as server:
        block(SlackWebhook, url=server.url).notify("the body", "the subject")

    assert server.asked[0].json() == {"text": "*the subject*\nthe body"}


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise_notifies() -> None:
    with stand_in(taken) as server:
        address = server.url.replace("http://", "json://")
        block(Notification, urls=[f"{address}/{TOKEN}"]).notify("the body", "the subject")

    told = server.asked[0].json()
    assert (told["title"], told["message"]) == ("the subject", "the body")
    with pytest.raises(BlockError, match="not taken by all"):
        block(Notification, urls=[f"{address}/{TOKEN}"]).notify("the body")
    with pytest.raises(BlockError, match=r"understand urls\.0") as odd:
        block(Notification, urls=[f"odd://{TOKEN}"]).notify("the body")
    assert TOKEN not in str(odd.value)


def git(*arguments: str, folder: Path) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_clones_with_a_token_that_is_in_no_argument_and_no_file(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git("init", "-q", "-b", "main", folder=work)
    (work / "flow.py").write_text("x = 1\n")
    git("add", ".", folder=work)
    git("commit", "-qm", "one", folder=work)
    git("update-server-info", folder=work)
    wanted = "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()

    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.headers.get("authorization") != wanted:
            return 401, b""
        path = work / ".git" / asked.path.removeprefix("/repo/")
        return (200, path.read_bytes()) if path.is_file() else (404, b"")

    with stand_in(answer) as server:
        url = f"{server.url}/repo"
        credentials = block(GitCredentials, url=url, username="me", token=TOKEN)
        credentials.clone(tmp_path / "got", branch="main")
        with pytest.raises(BlockError, match="git cannot clone") as refused:
            block(GitCredentials, url=url, token="another").clone(tmp_path / "none")

    assert (tmp_path / "got" / "flow.py").read_text() == "x = 1\n"
    kept = [path for path in (tmp_path / "got").rglob("*") if path.is_file()]
    assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []
    assert "another" not in str(refused.value)


def test_git_gives_a_token_to_no_other_host(tmp_path: Path) -> None:
    def ask(asked: Asked) -> tuple[int, Any]:
        return (401, b"") if "authorization" not in asked.headers else (404, b"")

    with stand_in(ask) as own, stand_in(ask) as other:
        credentials = block(GitCredentials, url=f"{own.url}/repo", username="me", token=TOKEN)
        with credentials.environment() as environment:
            for url in (f"{own.url}/repo", f"{other.url}/repo"):
                subprocess.run(
                    ["git", "ls-remote", url], env=environment, check=False, capture_output=True
                )

    assert any("authorization" in asked.headers for asked in own.asked)
    assert other.asked
    assert not any("authorization" in asked.headers for asked in other.asked)


@pytest.mark.parametrize("url", [None, "http://example.com/r", "https://me@example.com/r", "/r"])
def test_git_has_no_token_for_what_is_no_host_over_https(url: str | None) -> None:
    with (
        pytest.raises(BlockError, match="https://"),
        block(GitCredentials, url=url, token=TOKEN).environment(),
    ):
        pass


def test_a_key_for_ssh_lies_in_a_file_of_this_user_only_meanwhile() -> None:
    with block(GitCredentials, ssh_key="KEY").environment() as environment:
        path = Path(environment["GIT_SSH_COMMAND"].split()[2])
        assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("KEY\n", 0o600)

    assert not path.parent.exists()
    with pytest.raises(BlockError, match="Say the url"):
        block(GitCredentials, ssh_key="KEY").clone("anywhere")


def test_docker_is_signed_in_meanwhile() -> None:
    registered = block(DockerRegistry, registry_url="ghcr.io", username="me", password=TOKEN)

    with registered.login() as environment:
        path = Path(environment["DOCKER_CONFIG"], "config.json")
        auth = json.loads(path.read_text())["auths"]["ghcr.io"]["auth"]
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]

    assert base64.b64decode(auth).decode() == f"me:{TOKEN}"
    assert (modes, path.parent.exists()) == ([0o600, 0o700], False)


@pytest.mark.parametrize("slug", sorted(registry.BUILT_IN))
def test_every_type_is_found_and_can_be_registered(slug: str) -> None:
    new = registry.get(slug).registered_type()

    assert new.slug == slug
    assert new.description
    assert new.fields["type"] == "object"


def test_types_are_found_without_their_libraries() -> None:
    heavy = ["boto3", "google.auth", "azure", "sqlalchemy", "apprise", "fsspec", "hvac"]
    code = (
        "import sys\nfrom headgate.blocks import registry\n"
        "found = [registry.get(slug) for slug in registry.BUILT_IN]\n"
        f"print([one for one in {heavy} if one in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )

    assert done.stdout.strip() == "[]"


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(MissingExtraError, match=r'pip install "headgate\[notifications\]"'):
        block(Notification, urls=["json://localhost"]).notify("the body")
