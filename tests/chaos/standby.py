"""A synchronous standby that takes over: ``python -m tests.chaos.standby [--seed N]``.

Clients begin and end runs over the API, and an agent is in the middle of one, while the primary is
killed. The standby is promoted and the servers' link leads to it, as a new address would. Every
transition that was acknowledged must be there; the agent starts a run again within the time, and
ends the one that it had, which was begun once. Then a new generation is begun, as after a restore,
and old tokens must be refused. Prints one JSON line; answers 1 where a promise was broken.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from headgate.api import agents
from headgate.api.deployments import DeploymentAnswer
from headgate.api.transport import Transport
from headgate.errors import ApiError, UnauthenticatedError
from headgate.ids import make_uuid
from headgate_server.database.migrate import upgrade
from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.embedded.binaries import find_postgres
from headgate_server.embedded.data_dir import DataDir
from headgate_server.embedded.postgres import PostgresService
from headgate_server.embedded.services import EmbeddedServices
from tests.backend.embedded.holders import postgres_pid
from tests.chaos.world import through
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.deadlines import eventually
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.leashed import Leashed
from tests.fixtures.proxy import Proxy
from tests.fixtures.sql import query

NAME = "standby"
CLIENTS = 6
CALM_SECONDS = (3.0, 6.0)
MOST_SECONDS_TO_CLAIM = 10.0
LONGEST_SECONDS = 60.0
STANDBY = "headgate_standby"
BEGIN = """mutation Begin($input: FlowRunBeginInput!) { flowRunBegin(input: $input) {
  flowRun { id } lease { runId epoch } leaseToken runToken errors { message } } }"""
SET_STATE = """mutation Move($input: RunSetStateInput!) { flowRunSetState(input: $input) {
  accepted errors { message } } }"""
_ROLES = ("owner", "app", "system")
_KEPT = """select coalesce(json_agg(run.id || ' ' || state.type), '[]')
  from flow_runs run join states state on state.flow_run_id = run.id"""


@dataclass
class Ledger:
    """What was acknowledged, as a run's id and a state, and when the latest was."""

    acknowledged: set[str] = field(default_factory=set[str])
    refused: int = 0
    claimed_at: float = 0.0

    def note(self, run_id: str, state: str) -> None:
        """Take note of an acknowledged transition."""
        self.acknowledged.add(f"{run_id} {state}")
        if state == "PENDING":
            self.claimed_at = time.monotonic()


async def work(journey: Journey, ledger: Ledger, until: asyncio.Event) -> None:
    """Begin and end runs, one after the other; a run of which a call failed is given up."""
    url = journey.transport.url
    caller = Transport(url, journey.transport.token, deadline_seconds=2.0)
    while not until.is_set():
        try:
            await _one_run(journey, caller, ledger)
        except ApiError:
            ledger.refused += 1
            await asyncio.sleep(0.05)
    await caller.close()


async def _one_run(journey: Journey, caller: Transport, ledger: Ledger) -> None:
    given: dict[str, Any] = {
        "workspaceId": journey.workspace_id,
        "flowName": "steady",
        "clientId": make_uuid(),
        "parameters": {},
    }
    begun = (await caller.execute(BEGIN, {"input": given}, operation="Begin"))["flowRunBegin"]
    run_id = begun["flowRun"]["id"]
    ledger.note(run_id, "PENDING")
    own = Transport(caller.url, begun["runToken"], deadline_seconds=2.0)
    try:
        for state in ("RUNNING", "COMPLETED"):
            lease = {**begun["lease"], "leaseToken": begun["leaseToken"]}
            wanted = {"id": run_id, "state": {"type": state}, "lease": lease}
            answer = (await own.execute(SET_STATE, {"input": wanted}, operation="Move"))[
                "flowRunSetState"
            ]
            if not answer["accepted"]:
                raise ApiError(str(answer["errors"]))
            ledger.note(run_id, state)
    finally:
        await own.close()


class Standby:
    """A standby of a running cluster, in a data directory of its own."""

    def __init__(self, primary: EmbeddedServices, folder: Path) -> None:
        self._primary = primary
        self._directory = DataDir.claim(folder)
        secret = self._directory.path / "secrets/postgres_password"
        secret.write_text(primary.secret("postgres_password"))
        self._service = PostgresService(self._directory, settings={"hot_standby": "on"})
        self._folder = folder

    @property
    def url(self) -> str:
        """The owner's URL, as soon as it has been promoted."""
        return self._service.url

    async def follow(self, stack: AsyncExitStack) -> None:
        """Copy the primary, follow it, and let it wait for us with every commit."""
        parts = urlsplit(self._primary.postgres_url)
        password = parts.password or ""
        conninfo = (
            f"host={parts.hostname} port={parts.port} user={parts.username} "
            f"password={password} application_name={STANDBY}"
        )
        command = [
            str(find_postgres() / "bin/pg_basebackup"), f"--pgdata={self._service.folder}",
            f"--dbname={conninfo}", "--write-recovery-conf", "--wal-method=stream",
            "--checkpoint=fast", "--no-manifest",
        ]  # fmt: skip
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            raise RuntimeError(done.stderr.replace(password, "…"))
        await self._service.prepare()
        process = Leashed(
            STANDBY,
            self._service.command(),
            environment=dict(os.environ),
            log=self._folder / "logs/standby.log",
        )
        stack.enter_context(process)
        stack.callback(self._directory.release)
        await self._be_waited_for()

    async def _be_waited_for(self) -> None:
        url = self._primary.postgres_url
        await query(url, f"alter system set synchronous_standby_names = '{STANDBY}'")
        await query(url, "select pg_reload_conf()")

        async def is_synchronous() -> bool:
            return bool(
                await query(
                    url, "select count(*) from pg_stat_replication where sync_state = 'sync'"
                )
            )

        await eventually(is_synchronous, within_seconds=30, what="A synchronous standby")

    async def promote(self) -> None:
        """Make it the primary, and return once it takes writes."""

        async def is_promoted() -> bool:
            try:
                return bool(await query(self.url, "select pg_promote(true, 30)"))
            except (OSError, asyncpg.PostgresError):
                return False

        await eventually(is_promoted, within_seconds=30, what="The promotion")


async def measure(folder: Path, *, seed: int) -> dict[str, Any]:
    """Start everything, kill the primary under load, promote the standby, and look."""
    chance = random.Random(seed)  # noqa: S311  no secret
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(
            folder / "primary", postgres_settings={"synchronous_commit": "on"}
        )
        await stack.enter_async_context(services)
        urls = await upgrade(services.postgres_url, secret_key=SECRET_KEY)
        standby = Standby(services, folder / "standby")
        await standby.follow(stack)
        proxy = stack.enter_context(Proxy(seed=seed))
        link = proxy.link("database", urlsplit(urls.owner).port or 0)
        reached = DatabaseUrls(
            **{name: through(getattr(urls, name), port=link.port) for name in _ROLES}
        )

        def kill() -> None:
            os.kill(postgres_pid(folder / "primary"), signal.SIGKILL)
            link.lead_to(urlsplit(standby.url).port or 0)
            link.reset()

        site = stack.enter_context(Installation(folder / "site", reached, services.redis_url))
        await site.make_tenant()
        site.start_scheduler()
        site.start_api()
        wait_online(site.start_agent(pool="default"))
        journey = await set_out(site, folder, pool="default")
        stack.push_async_callback(journey.close)
        held_id = await journey.run("held")
        await journey.executed(held_id)
        fresh = await journey.deploy("quick")
        ledger = Ledger()
        found = await _fail_over(journey, ledger, kill, standby, fresh, chance=chance)
        found |= await _end_held(journey, held_id, standby)
        kept = {_shown(line) for line in json.loads(await query(standby.url, _KEPT))}
        return {
            "acknowledged": len(ledger.acknowledged),
            "lost": len(ledger.acknowledged - kept),
            "calls_refused": ledger.refused,
            **found,
            "is_old_token_refused": await _refuses_old_tokens(site, journey),
        }


async def _fail_over(
    journey: Journey,
    ledger: Ledger,
    kill: Callable[[], None],
    standby: Standby,
    fresh: DeploymentAnswer,
    *,
    chance: random.Random,
) -> dict[str, Any]:
    """Let clients work before, while and after the standby takes over, and the agent after it."""
    until = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(work(journey, ledger, until))
        await asyncio.sleep(chance.uniform(*CALM_SECONDS))
        before = len(ledger.acknowledged)
        killed_at = time.monotonic()
        kill()
        await standby.promote()
        accepts_at = time.monotonic()
        ledger.claimed_at = 0.0
        await eventually(
            lambda: ledger.claimed_at, within_seconds=LONGEST_SECONDS, what="The next claim"
        )
        claim_seconds = ledger.claimed_at - accepts_at
        await _run_by_agent(journey, fresh)
        agent_seconds = time.monotonic() - accepts_at
        await asyncio.sleep(chance.uniform(*CALM_SECONDS))
        until.set()
    return {
        "acknowledged_before": before,
        "away_s": round(accepts_at - killed_at, 2),
        "first_claim_s": round(claim_seconds, 2),
        "agent_s": round(agent_seconds, 2),
    }


async def _run_by_agent(journey: Journey, deployment: DeploymentAnswer) -> None:
    """Have the agent begin a run, asked for until somebody takes the order."""
    while True:
        try:
            run_id = await journey.start(deployment)
            break
        except ApiError:
            await asyncio.sleep(0.05)
    await eventually(
        lambda: journey.executions(run_id), within_seconds=LONGEST_SECONDS, what="The agent's run"
    )


async def _end_held(journey: Journey, run_id: str, standby: Standby) -> dict[str, Any]:
    """Let the run end that the agent had all the while; how often it was begun, and its end."""
    journey.open()
    id_ = journey.run_uuid(run_id)

    async def ended() -> str:
        asked = f"select state_type from flow_runs where id = '{id_}'"  # noqa: S608  an id of ours
        state = await query(standby.url, asked)
        return str(state) if state in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else ""

    state = await eventually(ended, within_seconds=LONGEST_SECONDS, what="The end of the held run")
    return {"held_state": state, "held_begun": len(journey.executions(run_id))}


def _shown(line: str) -> str:
    run_id, state = line.split()
    return f"{ids.show(ids.Kind.FLOW_RUN, UUID(run_id))} {state}"


async def _refuses_old_tokens(site: Installation, journey: Journey) -> bool:
    """Begin a new generation, and say whether a session's token of the last is refused."""
    registration = await agents.register(
        journey.transport,
        workspace_id=journey.workspace_id,
        pool_name="default",
        name="witness",
        instance_id=make_uuid(),
        capacity=0,
        sdk_version="0.1.0",
        host="witness",
        queue_names=None,
    )
    command = [sys.executable, "-m", "headgate_server", "migrate", "--new-generation"]
    environment = {
        "HEADGATE_OWNER_DATABASE_URL": site.urls.owner,
        "HEADGATE_SECRET_KEY": SECRET_KEY,
    }
    await asyncio.to_thread(
        subprocess.run, command, env=environment, check=True, capture_output=True, timeout=60
    )
    witness = Transport(journey.transport.url, registration.session_token)

    async def is_refused() -> bool:
        try:
            await agents.drain(witness, session_id=registration.session_id)
        except UnauthenticatedError:
            return True
        return False

    try:
        # A token is remembered for a second.
        return bool(await eventually(is_refused, within_seconds=5, what="The refusal"))
    finally:
        await witness.close()


def is_well(found: dict[str, Any]) -> bool:
    """Whether every promise was kept, and there was something to keep."""
    return (
        found["lost"] == 0
        and found["acknowledged_before"] > 0
        and found["acknowledged"] > found["acknowledged_before"]
        and found["first_claim_s"] <= MOST_SECONDS_TO_CLAIM
        and found["agent_s"] <= MOST_SECONDS_TO_CLAIM
        and (found["held_state"], found["held_begun"]) == ("COMPLETED", 1)
        and found["is_old_token_refused"]
    )


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.standby")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="headgate-standby-"))
    folder.chmod(0o755)
    try:
        found = asyncio.run(measure(folder, seed=given.seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    line = {"scenario": NAME, "seed": given.seed, **found, "is_well": is_well(found)}
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if line["is_well"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
