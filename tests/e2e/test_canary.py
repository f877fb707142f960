"""A secret through every input: it is nowhere that anybody but the run could read it.

What is looked through: the logs of every process, what runs and callers are answered and sent, the
whole database, everything in Redis and all that passes through it, what Postgres logs of every
statement with its parameters and what it remembers of them, the spans of every process, and the
files of agents.
"""

import asyncio
import base64
import json
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from headgate.api import blocks, events, flow_runs, logs, variables
from headgate.api.blocks import NewType
from headgate.errors import RefusedError
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.embedded.services import EmbeddedServices
from tests.client.cli.commands import headgate
from tests.factories.people import make_person
from tests.fixtures import redis_client
from tests.fixtures.browsers import PAGE
from tests.fixtures.installation import TIMERS, Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.network import free_port
from tests.fixtures.otlp import Receiver, receiving
from tests.fixtures.secret_stores import SecretStores, secret_stores
from tests.fixtures.sql import query

pytestmark = pytest.mark.e2e

CANARY = 'canary-7f3a"q/+é'
PASSWORD = "corella-9b2f sits on a wire"
KEPT = "kestrel-3a7c-in-a-variable"
"""No secret, but what a variable holds: it is where that is kept, and nowhere else."""
SPOKEN = "parakeet-5d8c-says-it-all"
"""In no job variable, so that no agent knows it: a run alone masks it."""
PLAIN = (SPOKEN.encode(), PASSWORD.encode())
TEMPLATE = "{{ blocks.secret.canary }}"
FROM_VAULT = "{{ blocks.secret.from-vault }}"
CONTROL = "control-5d1e-not-a-secret"
FLOWS = Path(__file__).parents[1] / "fixtures" / "user_flows_secret.py"
LEAK = f"{FLOWS.with_name('user_flows_secret_apart.py')}:leak"
SECRET = NewType(
    slug="secret", name="Secret", fields={"properties": {"value": {"writeOnly": True}}}
)
LOGIN = NewType(
    slug="login",
    name="Login",
    fields={
        "properties": {
            "host": {"type": "string"},
            "password": {"type": "string", "writeOnly": True},
            "inner": {"type": "object"},
        }
    },
)
UPSERT = """mutation ($input: BlockDocumentUpsertInput!) { blockDocumentUpsert(input: $input) {
  blockDocument { data secrets { path fingerprint } } errors { message } } }"""
LOG_EVERYTHING = (
    "log_statement = 'all'",
    "log_min_duration_statement = 0",
    "log_parameter_max_length = -1",
    "log_parameter_max_length_on_error = -1",
    "pg_stat_statements.track = 'all'",
)
REMEMBERED = "select string_agg(query, chr(10)) from pg_stat_statements"
VARIABLE_TABLES = ("variables", "variable_versions")
TABLES = """
select string_agg(table_name, ' ') from information_schema.tables
where table_schema = 'public' and table_type = 'BASE TABLE'
"""


@pytest.fixture
def stores(tmp_path: Path) -> Generator[SecretStores]:
    """The customer's own stores, each with the canary and its own name."""
    with secret_stores(tmp_path / "own", CANARY) as stores:
        yield stores


@pytest.fixture
def receiver() -> Generator[Receiver]:
    """Where every process sends its spans."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
async def installation(
    urls: DatabaseUrls, redis_url: str, tmp_path: Path, stores: SecretStores, receiver: Receiver
) -> AsyncGenerator[Installation]:
    """An installation of its own, whose database logs every statement with its parameters."""
    name = urls.owner.rpartition("/")[2].partition("?")[0]
    for setting in LOG_EVERYTHING:
        await query(urls.owner, f'ALTER DATABASE "{name}" SET {setting}')
    settings = {**TIMERS, **receiver.environment, "HEADGATE_LOG_LEVEL": "DEBUG"}
    with Installation(tmp_path / "installation", urls, redis_url, settings) as installation:
        await installation.make_tenant()
        installation.start_scheduler()
        port = free_port()
        installation.start_api(
            port=port,
            HEADGATE_SLOW_OPERATION_MS="0",
            HEADGATE_URL=f"http://127.0.0.1:{port}",
        )
        allowed: Any = stores.environment
        agent = installation.start_agent(**allowed)
        # A worker reads the arguments of calls where the runs that make them keep these.
        installation.start_task_worker(LEAK, home=installation.home("agent"))
        wait_online(agent)
        yield installation


@contextmanager
def overhearing(url: str) -> Generator[list[bytes]]:
    """Collect every message that passes through Redis meanwhile."""
    heard: list[bytes] = []
    with redis_client.connect(url) as client, client.pubsub() as channels:
        # A user of Redis who may use Headgate's channels alone hears all of those.
        channels.psubscribe("headgate:*" if urlsplit(url).username else "*")
        thread = threading.Thread(
            target=lambda: [heard.append(repr(one).encode()) for one in channels.listen()],
            daemon=True,
        )
        thread.start()
        yield heard
        channels.punsubscribe()
        thread.join(5)


def spellings(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [
        raw,
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        raw.hex().encode(),
        base64.b64encode(raw)[:-4],
        base64.b64encode(b"user:" + raw)[8:-4],
        # Whatever the rest of it is spelt like, nobody says the beginning either.
        b"canary-7f3a",
    ]


async def save_blocks(journey: Journey, places: dict[str, Any]) -> None:
    place: dict[str, Any] = {"workspace_id": journey.workspace_id}
    for new in (SECRET, LOGIN):
        await blocks.register(journey.transport, **place, new=new)
    for name, value in (("canary", CANARY), ("spoken", SPOKEN)):
        await blocks.save(
            journey.transport, **place, type_slug="secret", name=name, data={"value": value}
        )
    for store, named in places.items():
        await blocks.save(
            journey.transport,
            **place,
            type_slug="secret",
            name=f"from-{store}",
            data={"value": {"$secret": named}},
        )
    for name, inner in (("inner", {"password": f"{CANARY}-2"}), ("outer", {"host": "h"})):
        data = inner if name == "inner" else {**inner, "inner": {"$ref": "login/inner"}}
        await blocks.save(journey.transport, **place, type_slug="login", name=name, data=data)
    for bad in ({"host": 3, "password": CANARY}, {"password": CANARY * 10_000}):
        with pytest.raises(RefusedError) as refused:
            await blocks.save(journey.transport, **place, type_slug="login", name="bad", data=bad)
        assert "canary-7f3a" not in str(refused.value)
    await variables.set_variable(journey.transport, **place, name="control", value=CONTROL)
    await variables.set_variable(journey.transport, **place, name="kept", value=KEPT)


async def give_secrets(journey: Journey) -> None:
    """Give the canary by itself, and on the command line, and as a person's password."""
    given = {"typeSlug": "login", "name": "apart", "workspaceId": journey.workspace_id}
    for name, path in (("apart", "password"), ("bad", "host")):
        answer = await journey.transport.execute(
            UPSERT,
            {
                "input": {
                    **given,
                    "name": name,
                    "data": {},
                    "secrets": [{"path": path, "value": CANARY}],
                }
            },
            operation=None,
        )
        assert bool(answer["blockDocumentUpsert"]["errors"]) == (name == "bad")
        assert "canary-7f3a" not in repr(answer)
    installation = journey.installation
    environment = {
        "HEADGATE_HOME": str(installation.folder / "home-cli"),
        "HEADGATE_API_URL": installation.url,
        "HEADGATE_API_KEY": installation.api_key,
        "HEADGATE_WORKSPACE": installation.workspace,
    }
    for path in ("password", "host"):
        done = await asyncio.to_thread(
            headgate,
            *("blocks", "create", "login", f"by-cli-{path}", "--secret", path),
            environment=environment,
            stdin=f"{CANARY}\n",
        )
        assert (done.code == 0) == (path == "password"), done.err
        assert "canary-7f3a" not in done.out + done.err


async def sign_in(installation: Installation, database: Database) -> list[int]:
    """Sign in with a password that is right, and with two that are not; return the answers."""
    person = await make_person(database, email="corella@example.com", password=PASSWORD)

    def send(password: str) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{installation.url}/auth/sign-in",
            json.dumps({"email": person.email, "password": password}).encode(),
            {**PAGE, "origin": installation.url},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  loopback
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    tried = (PASSWORD, f"{PASSWORD}!", f"{PASSWORD} {PASSWORD * 1000}")
    answers = [await asyncio.to_thread(send, password) for password in tried]
    assert not [said for _, said in answers if PASSWORD.encode() in said]
    return [status for status, _ in answers]


async def follow(journey: Journey, run_id: str) -> list[bytes]:
    """Return every frame of a run's subscriptions until it has ended."""
    updates = flow_runs.updates(journey.transport, flow_run_id=run_id)
    lines = logs.tail(journey.transport, flow_run_id=run_id)
    async with asyncio.timeout(60):
        frames = [repr(update).encode() async for update in updates]
        return frames + [repr(batch).encode() async for batch in lines]


def everything_in_redis(url: str) -> list[bytes]:
    with redis_client.connect(url) as client:
        return [key + b" " + (client.dump(key) or b"") for key in client.scan_iter()]


async def everything_in_the_database(url: str) -> dict[str, bytes]:
    names: str = await query(url, TABLES)
    rows = {
        name: await query(url, f'select string_agg(t::text, chr(10)) from "{name}" t')  # noqa: S608  ours
        for name in names.split()
    }
    return {name: (row or "").encode() for name, row in rows.items()}


async def remembered(url: str) -> bytes:
    """Return the statements that the server keeps figures of."""
    await query(url, "create extension pg_stat_statements")
    found = str(await query(url, REMEMBERED))
    assert "insert into block_secrets" in found.lower()
    return found.encode()


async def test_a_secret_is_nowhere_but_in_the_run_that_reads_it(
    installation: Installation,
    servers: EmbeddedServices,
    tmp_path: Path,
    stores: SecretStores,
    receiver: Receiver,
    database: Database,
) -> None:
    journey = await set_out(installation, tmp_path, pool="default")
    with overhearing(installation.redis_url) as heard:
        await save_blocks(journey, stores.places)
        await give_secrets(journey)
        right, *wrong = await sign_in(installation, database)
        assert (right, min(wrong) >= 400) == (200, True)
        run_id = await spill(journey)
        frames = await follow(journey, run_id)
        spoken = await follow(journey, await journey.run("speaks", file=FLOWS))
        await receiver.one("spills", flow_run=run_id)
    listed = await list_all_events(journey, installation)
    await journey.close()

    assert json.loads((tmp_path / "read").read_text()) == {
        "token": True, "text": True, "inner": True, "env": True, "early": True,
        "run": run_id, "vault": True, "aws": True, "file": True, "named": True,
        "allowed": True,
    }  # fmt: skip
    assert (tmp_path / "spoken").exists()
    check_apart(json.loads((tmp_path / "apart").read_text()), installation.folder)
    for said in (b"plainly", b"past Python", b"by a program"):
        assert said + b" ********" in b"".join(spoken)
    tables = await everything_in_the_database(installation.urls.owner)
    places = {
        "spoken": b"\n".join(spoken),
        "processes": installation.report().encode(),
        "frames": b"\n".join(frames),
        "events": repr(listed).encode(),
        "rows": b"\n".join(tables.values()),
        "spans": b"\n".join(receiver.requests),
        "Redis": b"\n".join([*heard, *everything_in_redis(installation.redis_url)]),
        "Postgres": (servers.data_dir / "logs" / "postgres.log").read_bytes(),
        "statements": await remembered(installation.urls.owner),
        "files": b"\n".join(file.read_bytes() for file in files(installation.folder)),
    }
    assert all(CONTROL.encode() in places[one] for one in ("rows", "Postgres"))
    assert b"********" in places["frames"]
    check_left(places, json.loads((tmp_path / "refused").read_text()))
    assert {"blockDocumentUpsert", "blockResolve"} <= {span.name for span in receiver.spans}
    assert {span.service for span in receiver.spans} == {"headgate", "headgate-server"}
    assert secrets_in(places) == []
    check_kept_in_its_tables_only(places, tables)


async def spill(journey: Journey) -> str:
    """Run the flow that shows its secrets wherever it can."""
    return await journey.run(
        "spills",
        file=FLOWS,
        parameters={
            "token": TEMPLATE,
            "text": f"<{TEMPLATE}>",
            "other": "{{ blocks.secret.from-file }}",
        },
        env={"CANARY": TEMPLATE, "NAMED": FROM_VAULT, "HEADGATE_SECRET_ENV": "*"},
    )


async def list_all_events(journey: Journey, installation: Installation) -> Any:
    organization, _, workspace = installation.workspace.partition("/")
    since = {"occurred": {"gte": "2020-01-01T00:00:00Z"}}
    return await events.list_events(
        journey.transport, organization=organization, workspace=workspace, filter=since
    )


def check_left(places: dict[str, bytes], refused: list[str]) -> None:
    """What a run leaves behind says a mask; what a mask would make useless was refused."""
    masked = (b"Shall I use ****", b"postgres://me:****", b"a.****", b"for ****", b"# ****")
    masked += (b"apart ****", b"logged apart {'password': '****", b"failed apart with ****")
    assert [one for one in masked if one not in places["rows"]] == []
    keys = ["key of a pause", "key of an artifact"]
    assert refused == ["form", *keys, "parameter", "input", "variable"]


def check_kept_in_its_tables_only(places: dict[str, bytes], tables: dict[str, bytes]) -> None:
    """A variable's value stands in the tables of variables, and nowhere else."""
    elsewhere = {
        **places,
        "rows": b"\n".join(rows for name, rows in tables.items() if name not in VARIABLE_TABLES),
        # The statement that keeps it says what it keeps.
        "Postgres": b"",
    }
    assert KEPT.encode() in places["rows"]
    assert [place for place, text in elsewhere.items() if KEPT.encode() in text] == []


def secrets_in(places: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Return where a secret stands, in whatever spelling, with what is around it."""
    return [
        (place, text[max(0, at - 150) : at + 60])
        for place, text in places.items()
        for spelt in (*spellings(CANARY), *spellings(f"{CANARY}-2"), *PLAIN)
        if (at := text.find(spelt)) >= 0
    ]


def check_apart(ended: list[bool], folder: Path) -> None:
    """What a task worker is handed lies where results do, and its owner alone may read it."""
    assert ended == [True, True]
    kept = [path for path in folder.rglob("results/background/*/*") if path.is_file()]
    assert CANARY.encode() in b"".join(path.read_bytes() for path in kept)
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "kek" and "background" not in path.parts
    ]
