"""The chain of the audit log: whatever is changed behind its back is found, and where first."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from headgate_server.bus.bus import Bus
from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.audit_entries import AuditCheckpoint, AuditEntry, AuditHead
from headgate_server.domain.ids import Kind, new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.loops import audit_entries as loop
from headgate_server.loops import deleted_workspaces
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories import audit_entries
from headgate_server.services import closing
from headgate_server.services.audit_entries import checkpoints, read, seal, verify
from headgate_server.services.audit_entries.checkpoints import FILE_NAME, Notary
from headgate_server.services.audit_entries.record import Record, record_entries
from headgate_server.services.audit_entries.verify import Verdict
from headgate_server.services.flows import upsert_flow
from headgate_server.settings import Timers
from tests.factories.tenants import Tenant, make_tenant
from tests.fixtures.sql import query

ENTRIES = 20
SECRET = "a secret that is long enough"

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Log:
    """A sealed and signed chain, the copy of its checkpoints, and a way to tamper with it."""

    database: Database
    tenant: Tenant
    notary: Notary
    kept: list[AuditCheckpoint]
    owner: AsyncEngine
    bus: Bus

    @property
    def organization_id(self) -> UUID:
        return self.tenant.organization_id

    async def verdict(self, connection: AsyncConnection | None = None) -> Verdict:
        """Verify; where a connection is given, as its transaction sees the tables."""
        async with self.database.system() as work:
            if connection is not None:
                work.connection = connection
            return await verify.verify_chain(
                work,
                organization_id=self.organization_id,
                kept=self.kept,
                trusted={self.notary.public_key},
            )


async def write(database: Database, tenant: Tenant, count: int) -> None:
    for number in range(count):
        record = Record(
            "updated", Kind.FLOW, new_id(), f"flow {number}", {"n": 0}, {"n": number + 1}
        )
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            await record_entries(work, [record])


@pytest.fixture
async def log(
    database: Database, urls: DatabaseUrls, redis_url: str, tmp_path: Path
) -> AsyncGenerator[Log]:
    tenant, notary = await make_tenant(database), Notary(secret=SECRET, folder=tmp_path)
    await write(database, tenant, ENTRIES)
    await seal.seal_waiting(database)
    await checkpoints.sign_grown(database, notary)
    kept = checkpoints.read_lines((tmp_path / FILE_NAME).read_text().splitlines())
    owner = make_engine(urls.owner, application_name="test-tampering", pool_size=1)
    async with owner.begin() as connection:
        # What an administrator of the database can do: take the walls and the triggers away.
        for table in ("audit_entries", "audit_seals", "audit_checkpoints", "audit_heads"):
            await connection.execute(text(f"alter table {table} disable trigger user"))
            await connection.execute(text(f"alter table {table} no force row level security"))
        await connection.execute(
            text("alter table audit_seals drop constraint uq_audit_seals_organization_id_entry_id")
        )
        await connection.execute(text("alter table audit_queue no force row level security"))
    yield Log(database, tenant, notary, kept, owner, Bus(redis_url, prefix="test"))
    await owner.dispose()


async def test_chain_that_nobody_touched_is_good(log: Log) -> None:
    verdict = await log.verdict()

    assert verdict.problem is None
    assert verdict.sealed >= ENTRIES
    assert verdict.checkpoints == 2, "one in the database, and the one that was kept"


async def test_a_round_of_sealing_ends_and_signs_while_somebody_writes_on(
    database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await make_tenant(database)
    await write(database, tenant, 4)
    seal_entries = seal.seal_entries

    async def seal_and_write(work: UnitOfWork, *, organization_id: UUID) -> int:
        await write(database, tenant, 1)
        return await seal_entries(work, organization_id=organization_id)

    monkeypatch.setattr(seal, "ENTRIES_AT_ONCE", 1)
    monkeypatch.setattr(seal, "seal_entries", seal_and_write)
    notary = Notary(secret=SECRET, folder=tmp_path)
    context = LoopContext(database, Bus(redis_url, prefix="test"), Timers(), notary=notary)

    async with asyncio.timeout(5):
        done = await loop.run_once(context)

    assert 5 <= done < 15
    assert len(checkpoints.read_lines((tmp_path / FILE_NAME).read_text().splitlines())) == 1


async def test_two_sealers_at_once_make_one_chain(database: Database) -> None:
    tenant = await make_tenant(database)
    await write(database, tenant, 20)
    await asyncio.gather(*(seal.seal_waiting(database) for _ in range(4)))

    async with database.system() as work:
        verdict = await verify.verify_chain(work, organization_id=tenant.organization_id)
    assert verdict.problem is None
    assert verdict.sealed >= 20


async def test_log_that_grows_as_it_is_verified_is_good(log: Log) -> None:
    is_over = asyncio.Event()

    async def grow() -> None:
        while not is_over.is_set():
            await write(log.database, log.tenant, 1)
            await seal.seal_waiting(log.database)

    async with asyncio.TaskGroup() as group:
        group.create_task(grow())
        verdicts = [await log.verdict() for _ in range(30)]
        is_over.set()

    assert {one.problem for one in verdicts} == {None}
    assert verdicts[-1].sealed > verdicts[0].sealed


ITS_ENTRY = """organization_id = :organization and id = (select entry_id from audit_seals
  where organization_id = :organization and sequence = :sequence)"""
TAMPERINGS = {
    "edit": "update audit_entries set {column} = concat({column}, 'x') where {its_entry}",
    "edit_diff": "update audit_entries set diff = diff - 'after' where {its_entry}",
    "misname": "update audit_entries set actor_kind = 'SYSTEM' where {its_entry}",
    "overflow": "update audit_entries set diff = '1e400' where {its_entry}",
    "backdate": "update audit_entries set at = at - interval '1 microsecond' where {its_entry}",
    "long_ago": "update audit_entries set at = '0044-03-15 00:00+00 BC' where {its_entry}",
    "far_off": "update audit_entries set at = '20000-01-01 00:00+00' where {its_entry}",
    "blame": "update audit_entries set actor_id = gen_random_uuid() where {its_entry}",
    "delete": "delete from audit_entries where {its_entry}",
    "delete_link": """
      with gone as (delete from audit_seals where organization_id = :organization
        and sequence = :sequence returning entry_id)
      delete from audit_entries where id in (select entry_id from gone)""",
    "insert": """
      create temp table copied on commit drop as select * from audit_entries where {its_entry};
      update copied set id = gen_random_uuid();
      insert into audit_entries select * from copied""",
    "swap": """
      update audit_seals set entry_id = (
        select entry_id from audit_seals swapped where organization_id = :organization
          and swapped.sequence = :sequence + :other - audit_seals.sequence)
      where organization_id = :organization and sequence in (:sequence, :other)""",
    "longer": """
      insert into audit_seals (organization_id, sequence, entry_id, hash)
      select organization_id, sequence + 1, gen_random_uuid(), hash from audit_seals
        where organization_id = :organization order by sequence desc limit 1""",
    "cut": """
      delete from audit_entries where id in (select entry_id from audit_seals
        where organization_id = :organization and sequence >= :sequence);
      delete from audit_seals where organization_id = :organization and sequence >= :sequence;
      delete from audit_checkpoints where organization_id = :organization;
      update audit_heads set sequence = :sequence - 1, hash = coalesce(
        (select hash from audit_seals where organization_id = :organization
          and sequence = :sequence - 1), hash)
      where organization_id = :organization""",
}
COLUMNS = ("actor_name", "address", "user_agent", "request_id", "action", "target_name")
ROUNDS = 1_000


async def tamper(connection: AsyncConnection, kind: str, given: dict[str, Any]) -> None:
    for statement in TAMPERINGS[kind].format(its_entry=ITS_ENTRY, **given).split(";"):
        named = {name: value for name, value in given.items() if f":{name}" in statement}
        await connection.execute(text(statement), named)


async def test_every_one_of_1000_random_tamperings_is_found_and_its_place_named(log: Log) -> None:
    draw = random.Random(20261128)  # noqa: S311  no secret
    missed: list[str] = []
    last = log.kept[0].sequence
    for _ in range(ROUNDS):
        kind = draw.choice(list(TAMPERINGS))
        sequence, other = draw.sample(range(1, last + 1), 2)
        given = {
            "organization": log.organization_id,
            "sequence": sequence,
            "other": other,
            "column": draw.choice(COLUMNS),
        }
        async with log.owner.connect() as connection:
            await tamper(connection, kind, given)
            verdict = await log.verdict(connection)
            await connection.rollback()
        first = {"insert": None, "longer": last, "swap": min(sequence, other)}.get(kind, sequence)
        if verdict.problem is None or verdict.first_bad != first:
            missed.append(f"{kind} at {sequence}, {other}: {verdict}")

    assert missed == []
    assert (await log.verdict()).problem is None


async def sweep(log: Log) -> None:
    """Delete the organization, sweep it away, and sign what its log says by then."""
    id_ = log.organization_id
    async with log.database.system() as work:
        await closing.archive_organization(work, id_=id_, is_archived=True)
        await closing.delete_organization(work, id_=id_)
    await deleted_workspaces.run_once(LoopContext(log.database, log.bus, Timers()))
    await seal.seal_waiting(log.database)
    async with log.database.system() as work:
        signed = await checkpoints.sign_chain(work, log.notary, organization_id=id_)
    assert signed is not None
    log.kept = [*log.kept, signed]


async def test_log_of_a_swept_organization_is_good_and_tampering_with_it_is_found(log: Log) -> None:
    await sweep(log)

    verdict = await log.verdict()
    async with log.database.system() as work:
        assert log.organization_id in await verify.list_organizations(work)
    found: dict[str, int | None] = {}
    for kind in TAMPERINGS:
        given = {"organization": log.organization_id, "sequence": 3, "other": 7}
        async with log.owner.connect() as connection:
            await tamper(connection, kind, given | {"column": "actor_name"})
            tampered = await log.verdict(connection)
            await connection.rollback()
        if tampered.problem is not None:
            found[kind] = tampered.first_bad

    assert (verdict.problem, verdict.sealed) == (None, log.kept[-1].sequence)
    assert verdict.swept == ("workspace Main", "organization Organization")
    expected = dict.fromkeys(TAMPERINGS, 3) | {"insert": None, "longer": verdict.sealed}
    assert found == expected


async def test_organization_that_was_taken_away_behind_the_log_is_told(
    log: Log, urls: DatabaseUrls
) -> None:
    for table in ("organizations", "workspaces"):
        await query(urls.system, f"update {table} set deleted_at = now()")  # noqa: S608  names of ours
    await deleted_workspaces.run_once(LoopContext(log.database, log.bus, Timers()))
    await seal.seal_waiting(log.database)

    verdict = await log.verdict()

    assert verdict.problem == "the organization is gone, and nothing says that it was deleted"


async def test_chain_that_was_made_anew_is_told_by_a_checkpoint_that_was_kept(log: Log) -> None:
    """Whoever holds the database can forge all of it, but for what lies elsewhere."""
    async with log.owner.connect() as connection:
        given = {"organization": log.organization_id, "sequence": 5, "column": "actor_name"}
        await tamper(connection, "edit", given)
        async with log.database.system() as work:
            work.connection = connection
            links = await audit_entries.list_chain(
                work, organization_id=log.organization_id, after=0, most=1_000
            )
            anew = seal.chain(
                AuditHead(log.organization_id), [one.entry for one in links if one.entry]
            )
        for _, made in anew:
            await connection.execute(
                text("update audit_seals set hash = :hash where sequence = :sequence"),
                {"hash": made.hash, "sequence": made.sequence},
            )
        last = anew[-1][1]
        await connection.execute(text("update audit_heads set hash = :hash"), {"hash": last.hash})
        forged = replace(log.kept[0], hash=last.hash)
        await connection.execute(text("delete from audit_checkpoints"))

        verdict = await log.verdict(connection)
        log.kept = []
        unnoticed = await log.verdict(connection)
        log.kept = [forged]
        refused = await log.verdict(connection)

    assert verdict.problem == "a checkpoint says otherwise: the chain was made anew"
    assert unnoticed.problem is None, "so checkpoints are to be kept elsewhere"
    assert refused.problem == "the signature of its checkpoint is wrong"


async def test_checkpoint_of_another_key_is_not_trusted(log: Log) -> None:
    stranger = Notary(secret="another secret of an attacker")
    one = log.kept[0]
    head = AuditHead(one.organization_id, one.sequence, one.hash)
    log.kept = [stranger.sign(head, at=one.at)]

    verdict = await log.verdict()

    assert verdict.problem == "its checkpoint is signed with a key that is not trusted"


@pytest.mark.parametrize("at", ["0044-03-15 00:00+00 BC", "20000-01-01 00:00+00", "infinity"])
async def test_checkpoint_of_a_time_that_no_server_writes_is_named(log: Log, at: str) -> None:
    async with log.owner.connect() as connection:
        await connection.execute(text(f"update audit_heads set checkpointed_at = '{at}'"))  # noqa: S608  ours
        good = await log.verdict(connection)
        await connection.execute(text(f"update audit_checkpoints set at = '{at}'"))  # noqa: S608  ours
        verdict = await log.verdict(connection)

    named = (log.kept[0].sequence, "the signature of its checkpoint is wrong")
    assert good.problem is None
    assert (verdict.first_bad, verdict.problem) == named


async def test_role_of_the_application_adds_to_the_log_and_does_nothing_else(
    database: Database,
) -> None:
    tenant = await make_tenant(database)
    await write(database, tenant, 1)
    for statement in ("update audit_entries set action = 'x'", "delete from audit_entries"):
        async with database.tenant(tenant.owner, None) as work:
            with pytest.raises(DBAPIError, match="permission denied"):
                await work.execute(text(statement))


@pytest.mark.parametrize("table", ["audit_entries", "audit_seals", "audit_checkpoints"])
@pytest.mark.parametrize("verb", ["update {} set organization_id = null", "delete from {}"])
async def test_not_even_the_owner_changes_the_log_by_mistake(
    database: Database, urls: DatabaseUrls, table: str, verb: str
) -> None:
    tenant = await make_tenant(database)
    await write(database, tenant, 1)
    await seal.seal_waiting(database)
    await checkpoints.sign_grown(database, Notary(secret=SECRET))
    owner = make_engine(urls.owner, application_name="test-tampering", pool_size=1)
    async with owner.connect() as connection:
        await connection.execute(text(f"alter table {table} no force row level security"))
        with pytest.raises(DBAPIError, match="only ever added to"):
            await connection.execute(text(verb.format(table)))
    await owner.dispose()


async def test_change_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    tenant = await make_tenant(database)
    before = await entries_of(database, tenant)
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await upsert_flow(work, name="made and undone")
        await work.connection.rollback()

    assert await entries_of(database, tenant) == before


async def test_secrets_and_what_people_fill_in_freely_stay_out(database: Database) -> None:
    tenant = await make_tenant(database)
    said = {"job_variables": {"env": {"TOKEN": "hunter2"}}, "secret_hash": b"hunter2", "name": "a"}
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        record = Record("updated", Kind.DEPLOYMENT, new_id(), "a", after=said)
        await record_entries(work, [record])
    (entry, *_) = await entries_of(database, tenant)

    assert entry.diff == {
        "before": None,
        "after": {"job_variables": {"keys": ["env"]}, "name": "a"},
    }


async def entries_of(database: Database, tenant: Tenant) -> Sequence[AuditEntry]:
    async with database.tenant(tenant.owner, None) as work:
        page = await read.list_entries(
            work, organization_id=tenant.organization_id, page=PageRequest(size=100)
        )
    return page.items
