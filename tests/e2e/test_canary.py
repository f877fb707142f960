"""A secret through every input: it is nowhere that anybody but the run could read it.

What is looked through: the logs of every process, what runs and callers are answered and sent, the
whole database, everything in Redis and all that passes through it, what Postgres logs of every
statement with its parameters, and the files of agents.
"""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from headgate.api import blocks, events, flow_runs, logs, variables
from headgate.api.blocks import NewType
from headgate.errors import RefusedError
from headgate_server.database.urls import DatabaseUrls
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures import redis_client
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.secret_stores import SecretStores, secret_stores
from tests.fixtures.sql import query

pytestmark = pytest.mark.e2e

CANARY = 'canary-7f3a"q/+é'
SPOKEN = "parakeet-5d8c-says-it-all"
"""In no job variable, so that no agent knows it: a run alone masks it."""
TEMPLATE = "{{ blocks.secret.canary }}"
FROM_VAULT = "{{ blocks.secret.from-vault }}"
CONTROL = "control-5d1e-not-a-secret"
FLOWS = Path(__file__).parents[1] / "fixtures" / "user_flows_secret.py"
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
LOG_EVERYTHING = (
    "log_statement = 'all'",
    "log_min_duration_statement = 0",
    "log_parameter_max_length = -1",
    "log_parameter_max_length_on_error = -1",
)
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
async def installation(
    urls: DatabaseUrls, redis_url: str, tmp_path: Path, stores: SecretStores
) -> AsyncGenerator[Installation]:
    """An installation of its own, whose database logs every statement with its parameters."""
    name = urls.owner.rpartition("/")[2].partition("?")[0]
    for setting in LOG_EVERYTHING:
        await query(urls.owner, f'ALTER DATABASE "{name}" SET {setting}')
    with Installation(tmp_path / "installation", urls, redis_url) as installation:
        await installation.make_tenant()
        installation.start_scheduler(HEADGATE_LOG_LEVEL="DEBUG")
        installation.start_api(HEADGATE_LOG_LEVEL="DEBUG", HEADGATE_SLOW_OPERATION_MS="0")
        allowed: Any = stores.environment
        agent = installation.start_agent(HEADGATE_LOG_LEVEL="DEBUG", **allowed)
        wait_online(agent)
        yield installation


@contextmanager
def overhearing(url: str) -> Generator[list[bytes]]:
    """Collect every message that passes through Redis meanwhile."""
    heard: list[bytes] = []
    with redis_client.connect(url) as client, client.pubsub() as channels:
        channels.psubscribe("*")
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


async def follow(journey: Journey, run_id: str) -> list[bytes]:
    """Return every frame of a run's subscriptions until it has ended."""
    updates = flow_runs.updates(journey.transport, flow_run_id=run_id)
    frames = [repr(update).encode() async for update in updates]
    lines = logs.tail(journey.transport, flow_run_id=run_id)
    return frames + [repr(batch).encode() async for batch in lines]


def everything_in_redis(url: str) -> list[bytes]:
    with redis_client.connect(url) as client:
        return [key + b" " + (client.dump(key) or b"") for key in client.scan_iter()]


async def everything_in_the_database(url: str) -> bytes:
    names: str = await query(url, TABLES)
    rows = [
        await query(url, f'select string_agg(t::text, chr(10)) from "{name}" t')  # noqa: S608  ours
        for name in names.split()
    ]
    return "\n".join(row for row in rows if row).encode()


async def test_a_secret_is_nowhere_but_in_the_run_that_reads_it(
    installation: Installation, servers: EmbeddedServices, tmp_path: Path, stores: SecretStores
) -> None:
    journey = await set_out(installation, tmp_path, pool="default")
    with overhearing(installation.redis_url) as heard:
        await save_blocks(journey, stores.places)
        run_id = await journey.run(
            "spills",
            file=FLOWS,
            parameters={
                "token": TEMPLATE,
                "text": f"<{TEMPLATE}>",
                "other": "{{ blocks.secret.from-file }}",
            },
            env={"CANARY": TEMPLATE, "NAMED": FROM_VAULT, "HEADGATE_SECRET_ENV": "*"},
        )
        frames = await asyncio.wait_for(follow(journey, run_id), 60)
        plain_id = await journey.run("speaks", file=FLOWS)
        spoken = await asyncio.wait_for(follow(journey, plain_id), 60)
    organization, _, workspace = installation.workspace.partition("/")
    since = {"occurred": {"gte": "2020-01-01T00:00:00Z"}}
    listed = await events.list_events(
        journey.transport, organization=organization, workspace=workspace, filter=since
    )
    await journey.close()

    assert json.loads((tmp_path / "read").read_text()) == {
        "token": True, "text": True, "inner": True, "env": True, "early": True,
        "run": run_id, "vault": True, "aws": True, "file": True, "named": True,
        "allowed": True,
    }  # fmt: skip
    assert (tmp_path / "spoken").exists()
    for said in (b"plainly", b"past Python", b"by a program"):
        assert said + b" ********" in b"".join(spoken)
    places = {
        "spoken": b"\n".join(spoken),
        "processes": installation.report().encode(),
        "frames": b"\n".join(frames),
        "events": repr(listed).encode(),
        "rows": await everything_in_the_database(installation.urls.owner),
        "Redis": b"\n".join([*heard, *everything_in_redis(installation.redis_url)]),
        "Postgres": (servers.data_dir / "logs" / "postgres.log").read_bytes(),
        "files": b"\n".join(file.read_bytes() for file in files(installation.folder)),
    }
    assert CONTROL.encode() in places["rows"]
    assert CONTROL.encode() in places["Postgres"]
    assert b"********" in places["frames"]
    assert secrets_in(places) == []


def secrets_in(places: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Return where a secret stands, in whatever spelling, with what is around it."""
    return [
        (place, text[max(0, at - 150) : at + 60])
        for place, text in places.items()
        for spelt in (*spellings(CANARY), *spellings(f"{CANARY}-2"), SPOKEN.encode())
        if (at := text.find(spelt)) >= 0
    ]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "kek"]
