"""Blocks through every floor: saved, loaded in runs, filled into jobs, masked in what is said."""

import json
from collections.abc import Generator

import pytest

from tests.client.cli.commands import Done, headgate
from tests.e2e.dev_server import DevServer, dev_server

pytestmark = pytest.mark.e2e

SCRIPT = '''
import asyncio, json, os, sys
from datetime import UTC, datetime
from pydantic import SecretStr
from headgate import flow, task
from headgate.blocks.core import Block
from headgate.blocks.external import SecretReference
from headgate.blocks.system import JSON, DateTime, Secret, String
from headgate.blocks.values import SecretDict
from headgate.errors import (
    ConflictError, NotFoundError, SecretRefusedError, SecretsOutsideRunError
)

class Login(Block):
    """Who signs in where."""
    _block_schema_capabilities = ["sign-in"]
    user: str
    password: SecretStr

class Warehouse(Block):
    login: Login
    other: Login | None = None
    headers: SecretDict = {}
    hosts: list[str] = []

@task
def read():
    return Block.load("warehouse/main")

@flow
def report():
    house = read()
    token = Secret.load("token")
    try:
        Secret.load("gone")
    except NotFoundError:
        missing = True
    return [
        type(house).__name__, house.login.password.get_secret_value(), type(house.other).__name__,
        house.other.password.get_secret_value(), house.headers["a.b"].get_secret_value(),
        house.hosts, token.get(), missing, "S3cret" in repr(house),
    ]

@flow
async def report_async():
    first = await Secret.load("token")
    second = await Secret.aload("token")
    return [first.get(), second.get()]

@flow
def named():
    login = Login.load("named")
    os.environ["HEADGATE_SECRET_ENV"] = ""
    try:
        Secret.load("named")
    except SecretRefusedError as error:
        refused = str(error)
    return [login.password.get_secret_value(), "secret/named, value: " in refused]

Secret(value="S3cret-token").save("token")
try:
    Secret(value="other").save("token")
except ConflictError:
    conflict = True
login = Login(user="u", password="S3cret-login")
login.save("shared")
house = Warehouse(
    login=Login(user="v", password="S3cret-inline"), other=login, headers={"a.b": "S3cret-head"},
    hosts=["h"],
)
house.save("main")
house.save("main", overwrite=True)
String(value="plain").save("plain")
JSON(value={"a": [1]}).save("doc")
DateTime(value=datetime(2026, 1, 2, tzinfo=UTC)).save("when")
try:
    Secret.load("token")
except SecretsOutsideRunError as error:
    outside = "inside of a flow" in str(error)
os.environ |= {"HEADGATE_SECRET_ENV": "OWN_*", "OWN_PASSWORD": "S3cret-own"}
place = SecretReference.env("OWN_PASSWORD")
Login(user="w", password=place).save("named")
Secret(value=place).save("named")
found = [
    named(), repr(Login(user="w", password=place)),
    report(), asyncio.run(report_async()), conflict, outside, String.load("plain").value,
    JSON.load("doc").value, DateTime.load("when").value.isoformat(),
    Login.register_type_and_schema() != "",
]
sys.stdout.write(json.dumps(found))
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DevServer]:
    """A server without an agent."""
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "script.py").write_text(SCRIPT)
    with dev_server(folder) as server:
        yield server


@pytest.fixture(scope="module")
def told(server: DevServer) -> str:
    """What the script says as it has saved its blocks."""
    done = server.script("script.py")
    assert done.code == 0, done.err
    return done.out


def test_user_code_saves_blocks_and_loads_them_in_runs(told: str) -> None:
    assert json.loads(told) == [
        ["S3cret-own", True],
        "Login(user='w', password=SecretReference('provider=env, name=OWN_PASSWORD'))",
        ["Warehouse", "S3cret-inline", "Login", "S3cret-login", "S3cret-head", ["h"],
         "S3cret-token", True, False],
        ["S3cret-token", "S3cret-token"],
        True, True, "plain", {"a": [1]}, "2026-01-02T00:00:00+00:00", True,
    ]  # fmt: skip


AGAIN = """
import os
from typing import Any
from pydantic import SecretStr
from headgate import flow
from headgate.blocks.core import Block
from headgate.blocks.external import SecretReference

class Account(Block):
    user: str
    password: SecretStr

class Store(Block):
    shared: Account
    own: list[Account] = []
    plain: Any = None
    host: str = "h"

os.environ |= {"HEADGATE_SECRET_ENV": "OWN_*", "OWN_PASSWORD": "S3cret-own"}
place = SecretReference.env("OWN_PASSWORD")
Account(user="w", password=place).save("own")
shared = Account(user="s", password="S3cret-shared")
shared.save("shared")
Store(shared=shared, own=[Account(user="i", password=place)], plain=shared).save("main")
Store(shared=shared).save("other")

@flow
def load():
    return Account.load("own"), Store.load("main"), Store.load("other")

own, main, other = load()
own.user = main.host = other.host = "changed"
own.save(overwrite=True)
main.own.insert(0, Account(user="new", password="S3cret-new"))
main.save(overwrite=True)
main.own[1].save("alone")
other.shared.user = "changed"
other.shared.save(overwrite=True)
other.shared = Account(user="t", password="S3cret-other")
other.save(overwrite=True)
"""


def test_block_that_is_loaded_and_saved_again_refers_to_what_it_referred_to(
    server: DevServer,
) -> None:
    (server.folder / "again.py").write_text(AGAIN)
    done = server.script("again.py")
    assert done.code == 0, done.err
    own, shared, alone, main, other = (
        server.read("blocks", "inspect", reference)
        for reference in (
            "account/own",
            "account/shared",
            "account/alone",
            "store/main",
            "store/other",
        )
    )

    place = {"$secret": {"provider": "env", "name": "OWN_PASSWORD"}}
    reference = {"$ref": shared["id"]}
    assert own["data"] == {"user": "changed", "password": place}
    assert alone["data"] == {"user": "i", "password": place}
    assert shared["data"]["user"] == "changed"
    assert (main["data"]["shared"], main["data"]["plain"]) == (reference, reference)
    assert [one["password"] for one in main["data"]["own"]] == ["********", place]
    assert other["data"]["shared"]["user"] == "t"
    assert [one["path"] for one in main["secrets"] if one["isSet"]] == ["own.0.password"]
    assert other["data"]["shared"]["password"] == "********"


@pytest.mark.usefixtures("told")
def test_blocks_are_registered_listed_inspected_and_deleted(server: DevServer) -> None:
    (server.folder / "mine.py").write_text(
        "from pydantic import SecretStr\nfrom headgate.blocks.core import Block\n\n"
        "class Gate(Block):\n    code: SecretStr\n"
    )
    registered = server.headgate("blocks", "register", "-f", "mine.py")
    types = server.read("blocks", "types")
    listed = server.read("blocks", "list", "--type", "login")
    named = server.read("blocks", "inspect", "login/named")
    shown = server.here("blocks", "inspect", "login/shared")
    needed = server.here("blocks", "delete", "login/shared", "--yes")
    gone = server.here("blocks", "inspect", "login/none")

    assert registered.code == 0, registered.err
    assert {"gate", "login", "secret"} <= {one["slug"] for one in types}
    assert [one["reference"] for one in listed] == ["login/named", "login/shared"]
    assert named["data"]["password"] == {"$secret": {"provider": "env", "name": "OWN_PASSWORD"}}
    assert [one["external"] for one in named["secrets"]] == [True]
    assert (shown.code, "S3cret" in shown.out, "password" in shown.out) == (0, False, True)
    assert (needed.code, gone.code) == (5, 4)


def test_blocks_are_filled_in_without_a_secret_among_the_arguments(server: DevServer) -> None:
    (server.folder / "gate.py").write_text(
        "from pydantic import SecretStr\nfrom headgate.blocks.core import Block\n\n"
        "class Door(Block):\n    host: str\n    port: int = 1\n    code: SecretStr\n"
        "    spare: SecretStr | None = None\n"
    )
    (server.folder / "door.yaml").write_text("host: h\ncode: S3cret-in-file\n")
    assert server.headgate("blocks", "register", "-f", "gate.py").code == 0

    def create(name: str, *options: str, stdin: str = "") -> Done:
        command = ("blocks", "create", "door", name, *options)
        return headgate(*command, environment=server.environment, folder=server.folder, stdin=stdin)

    named = """code={"$secret": {"provider": "env", "name": "CODE"}}"""
    one = create("one", "--field", "host=h", "--secret", "code", stdin="S3cret-piped\n")
    again = create("one", "--field", "host=h", "--secret", "code", stdin="S3cret-other")
    two = create("two", "--from-file", "door.yaml", "--field", "port=2")
    both = create(
        "both", "--field", "host=h", "--secret", "code", "--secret", "spare", stdin="S3cret-a\nb\n"
    )
    other = create("other", "--field", "host=h", "--field", named)
    built_in = headgate(
        *("blocks", "create", "string", "greeting", "--field", "value=hello"),
        environment=server.environment,
        folder=server.folder,
    )
    refused = create("bad", "--field", "host=h", "--field", "code=S3cret-argument")
    unknown = create("bad", "--field", "host=h", "--secret", "host", stdin="S3cret")
    few = create("bad", "--secret", "code", "--secret", "spare", stdin="S3cret-only")
    twice = create("bad", "--from-file", "-", "--secret", "code", stdin="S3cret")
    torn = create("bad", "--from-file", "-", stdin="code: [S3cret")
    missing = headgate("blocks", "create", "dor", "x", environment=server.environment)

    done = [one, two, both, other, built_in]
    assert [each.code for each in done] == [0, 0, 0, 0, 0], [each.err for each in done]
    failed = [again, refused, unknown, few, twice, torn, missing]
    assert [each.code for each in failed] == [5, 2, 2, 2, 2, 2, 4]
    assert "S3cret" not in "".join(each.out + each.err for each in [*done, *failed])
    assert "--secret code" in refused.err
    first, second = (server.read("blocks", "inspect", f"door/{name}") for name in ("one", "two"))
    third = server.read("blocks", "inspect", "door/other")
    assert (first["data"], second["data"]["port"]) == ({"host": "h", "code": "********"}, 2)
    assert [secret["path"] for secret in second["secrets"] if secret["isSet"]] == ["code"]
    assert [one["external"] for one in third["secrets"]] == [True, False]


UNTYPED = """
import json, sys
from typing import Any
from pydantic import Field, SecretStr
from headgate import flow
from headgate.blocks.core import Block

class TreeLogin(Block):
    password: SecretStr
    inner: "TreeLogin | None" = None

class Loose(Block):
    options: dict[str, Any] = {}
    anything: Any = None

class CredBase(Block):
    host: str

class Cred(CredBase):
    token: SecretStr

class Holder(Block):
    cred: CredBase

class Aliased(Block):
    pw: SecretStr | None = Field(default=None, serialization_alias="PASS")

hidden = SecretStr("S3cret-hidden")
TreeLogin(password=hidden, inner=TreeLogin(password=hidden)).save("one")
Loose.model_validate({"options": {"password": hidden}, "token": hidden}).save("one")
Loose(anything=[hidden, "kept"]).save("two")
Holder(cred=Cred(host="h", token=hidden)).save("one")
Aliased(pw=hidden).save("one")

kept = []

@flow
def read():
    loose, tree, cred = Loose.load("one"), TreeLogin.load("one"), Holder.load("one").cred
    again = Loose.load("two")
    kept.extend([(loose, "copied"), (again, "copied-two")])
    return [
        loose.options["password"], loose.token, tree.inner.password.get_secret_value(),
        cred.token.get_secret_value(), again.anything[0], again.anything[1],
        Aliased.load("one").pw.get_secret_value(),
    ]

found = read()
for block, name in kept:
    block.save(name)
sys.stdout.write(json.dumps(found))
"""


def test_no_secret_is_shown_where_the_class_does_not_say_that_it_is_one(
    server: DevServer,
) -> None:
    (server.folder / "untyped.py").write_text(UNTYPED)

    done = server.script("untyped.py")
    assert done.code == 0, done.err
    names = ["treelogin/one", "loose/one", "loose/two", "holder/one", "aliased/one"]
    names += ["loose/copied", "loose/copied-two"]
    shown = {name: server.read("blocks", "inspect", name)["data"] for name in names}

    assert json.loads(done.out) == [*["S3cret-hidden"] * 5, "kept", "S3cret-hidden"]
    assert "S3cret" not in json.dumps(shown)
    assert shown["treelogin/one"]["inner"]["password"] == "********"
    assert shown["loose/one"]["token"] == shown["loose/copied"]["token"] == "********"
