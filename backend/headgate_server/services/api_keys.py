"""API keys and agent keys: create, rotate, revoke; and who a token speaks for."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from headgate_server.bus import channels
from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain import api_keys as keys
from headgate_server.domain import ids, standings
from headgate_server.domain.api_keys import ApiKey, KeyToken, NewApiKey, RunToken, SessionToken
from headgate_server.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from headgate_server.domain.key_grants import check_end, check_grant, check_key
from headgate_server.domain.permissions import (
    AGENT_SESSION_SCOPES,
    RUN_SCOPES,
    Grant,
    Scope,
)
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.tenancy import Actor, ActorKind, Principal, RunGrant
from headgate_server.domain.users import User
from headgate_server.repositories import api_keys as stored
from headgate_server.repositories import (
    members,
    run_tokens,
    service_accounts,
    session_tokens,
    users,
    work_pools,
    workspaces,
)
from headgate_server.services import object_counts
from headgate_server.services.audit_entries.record import record_entry

REVOKED = "This key is revoked; create another one."
REPLACED = "This token was replaced; rotate the key with the one that it has now."
REPLACED_REVOKE = "This token was replaced; revoke the key with the one that it has now."
SIGNED_IN_ONLY = "Only who is signed in in a browser revokes all of their keys; a key does not."

find_key = stored.find_key
get_many_keys = stored.get_many_keys
list_keys = stored.list_keys
count_keys = stored.count_keys


async def create_key(
    work: UnitOfWork, *, granter: Principal, new: NewApiKey, pepper: str, id_: UUID | None = None
) -> tuple[ApiKey, str]:
    """Create a key and return it with its token, which is shown this once.

    Nobody grants more than they hold: neither a scope nor a workspace, and a key none that outlives
    it.

    Args:
        work: a unit of work of the organization.
        granter: who asks.
        new: the key.
        pepper: the installation's secret.
        id_: the key's, where somebody is to find it by that; else a new one.

    Raises:
        InvalidInput: a bad name, no scopes, an expiry in the past, or an agent key with other
            scopes than AGENTS_CONNECT or without a workspace.
        Forbidden: a scope or a workspace beyond the granter's own, or an end beyond its key's.
        NotFound: no such workspace in the organization, or no such pool in the workspace.
        QuotaExceeded: the organization has as many as it may.
    """
    keys.check_name(new.name)
    check_grant(granter, new)
    if new.expires_at is not None and new.expires_at <= work.now:
        raise InvalidInput("expiresAt is in the past.", path=["expiresAt"])
    check_end(granter, new.expires_at)
    if new.workspace_id is not None and not await workspaces.is_in_organization(
        work, organization_id=granter.organization_id, id_=new.workspace_id
    ):
        raise NotFound
    if new.work_pool_id is not None:
        await _check_pool(work, new)
    id_, secret = id_ or ids.new_id(), keys.new_secret()
    key = await stored.insert_key(
        work,
        organization_id=granter.organization_id,
        id_=id_,
        new=new,
        prefix=keys.key_prefix(id_, kind=new.kind),
        secret_hash=keys.hash_secret(secret, pepper=pepper),
    )
    await object_counts.claim(work, QuotaKind.API_KEYS, organization_id=granter.organization_id)
    await _record(work, "created", key, after=key)
    return key, keys.key_token(id_, kind=new.kind, secret=secret)


async def find_owner(work: UnitOfWork, *, kind: ActorKind, id_: UUID) -> Actor:
    """Return a user or a service account of the caller's organization as the owner of keys.

    Raises:
        NotFound: neither, or one that the caller may not see.
    """
    if kind is ActorKind.USER:
        member = await members.find_by_user(work, user_id=id_)
        if member is not None:
            return Actor(kind, id_, member.display_name)
    if kind is ActorKind.SERVICE_ACCOUNT:
        account = await service_accounts.find_account(work, id_=id_)
        if account is not None:
            return Actor(kind, account.id, account.display_name)
    raise NotFound


async def rotate_key(
    work: UnitOfWork,
    *,
    granter: Principal,
    id_: UUID,
    pepper: str,
    overlap: timedelta = timedelta(0),
) -> tuple[ApiKey, str]:
    """Give a key a new secret; the old token stops working as this commits, or ``overlap`` later.

    A key rotates itself with its current token only: whoever holds the one that was replaced
    neither keeps the key nor ends its owner's token. Another it rotates if it could make one that
    ends as late.

    Args:
        work: a unit of work of the organization.
        granter: who asks.
        id_: which key.
        pepper: the installation's secret.
        overlap: up to ``MAX_OVERLAP``; rotating again ends the one before.

    Raises:
        NotFound: no such key in the organization, or in the granter's workspace.
        Forbidden: the key is another person's, holds a scope that the granter lacks, outlives the
            granter's key, or its token that asks was replaced.
        InvalidInput: an overlap that is out of range.
        Conflict: the key is revoked.
    """
    key = await _get_within(work, granter=granter, id_=id_)
    if not timedelta(0) <= overlap <= keys.MAX_OVERLAP:
        hours = int(keys.MAX_OVERLAP.total_seconds() // 3600)
        raise InvalidInput(f"An overlap is from 0 to {hours} hours.", path=["overlapSeconds"])
    shown = granter.secret_number if granter.api_key_id == id_ else None
    if shown is None:
        check_end(granter, key.expires_at)
        grant = Grant(key.scopes, key.workspace_id, key.work_pool_id)
        check_key(granter, owner=key.owner, grant=grant)
    secret = keys.new_secret()
    rotated = await stored.set_secret(
        work,
        id_=id_,
        secret_hash=keys.hash_secret(secret, pepper=pepper),
        old_until=work.now + overlap if overlap else None,
        only_of=shown,
    )
    if rotated is None:
        raise Forbidden(REPLACED) if shown and key.revoked_at is None else Conflict(REVOKED)
    work.wake(channels.api_key(id_))
    await _record(work, "rotated", key, after={"overlap": overlap})
    return rotated, keys.key_token(id_, kind=key.kind, secret=secret)


async def revoke_key(work: UnitOfWork, *, granter: Principal, id_: UUID) -> ApiKey:
    """Revoke a key, for good; revoking it again changes nothing.

    A key revokes itself with its current token only: whoever holds the one that was replaced does
    not end its owner's.

    Raises:
        NotFound: no such key in the organization, or in the granter's workspace.
        Forbidden: the key's token that asks was replaced.
    """
    before = await _get_within(work, granter=granter, id_=id_)
    shown = granter.secret_number if granter.api_key_id == id_ else None
    revoked = await stored.set_revoked(work, id_=id_, only_of=shown)
    if revoked is None:
        raise Forbidden(REPLACED_REVOKE) if shown else NotFound
    work.wake(channels.api_key(id_))
    if before.revoked_at is None:
        await object_counts.release(
            work, QuotaKind.API_KEYS, organization_id=granter.organization_id
        )
        await _record(work, "revoked", revoked, before=before, after=revoked)
    return revoked


async def revoke_unused(work: UnitOfWork, *, id_: UUID) -> None:
    """Revoke a key that nobody has used yet, if there is one of this id; as the system."""
    key = await stored.find_key(work, id_=id_)
    if key is None or key.last_used_at is not None or key.revoked_at is not None:
        return
    revoked = await stored.set_revoked(work, id_=id_)
    work.wake(channels.api_key(id_))
    await object_counts.release(work, QuotaKind.API_KEYS, organization_id=key.organization_id)
    within = replace(work, organization_id=key.organization_id, actor=key.owner)
    await _record(within, "revoked", key, before=key, after=revoked)


async def list_own_live(work: UnitOfWork, *, user_id: UUID) -> list[ApiKey]:
    """Return the keys of a person that work, in every organization; as the system."""
    return await stored.list_live(work, owner_id=user_id)


async def revoke_all(
    work: UnitOfWork, *, user: User, but_of_pools: bool = False, by: Actor | None = None
) -> list[ApiKey]:
    """Revoke every key of a person in every organization, and return those; as the system.

    Keys that are being made are waited for, and revoked with the others: see ``askers.hold``.

    Args:
        work: as the system.
        user: whose keys.
        but_of_pools: whether keys that register agents of one pool stay good.
        by: who does it for them; None is they themselves.
    """
    await users.lock_credentials(work, id_=user.id)
    live = [
        key
        for key in await stored.list_live(work, owner_id=user.id)
        if key.work_pool_id is None or not but_of_pools
    ]
    revoked = await stored.revoke_all(work, owner_id=user.id, but_of_pools=but_of_pools)
    work.wake(*(channels.api_key(id_) for id_ in revoked))
    for organization_id, count in sorted(Counter(revoked.values()).items()):
        await object_counts.release(
            work, QuotaKind.API_KEYS, organization_id=organization_id, amount=count
        )
    actor = by or Actor(ActorKind.USER, user.id, user.display_name)
    for key in live:
        within = replace(work, organization_id=key.organization_id, actor=actor)
        await _record(within, "revoked", key, before=key, after=replace(key, revoked_at=work.now))
    return live


async def revoke_all_own(work: UnitOfWork, principal: Principal) -> int:
    """Revoke every key of who asks in a session, in every organization; how many worked.

    Raises:
        Forbidden: a key asks.
    """
    if principal.login_session_id is None or principal.actor.id is None:
        raise Forbidden(SIGNED_IN_ONLY)
    user = await users.find_user(work, id_=principal.actor.id)
    return len(await revoke_all(work, user=user)) if user is not None else 0


async def _record(
    work: UnitOfWork, verb: str, key: ApiKey, *, before: object = None, after: object = None
) -> None:
    await record_entry(
        work,
        verb,
        kind=ids.Kind.API_KEY,
        id_=key.id,
        name=key.name,
        before=before,
        after=after,
        organization_id=key.organization_id,
    )


async def list_own(work: UnitOfWork, principal: Principal) -> list[ApiKey]:
    """Return the keys of who asks that work in this organization, oldest first.

    A pool's key registers agents in somebody's name, and learns nothing of their other keys.
    """
    if principal.work_pool_id is not None:
        return []
    if principal.actor.kind is not ActorKind.USER or principal.actor.id is None:
        return []
    return await stored.list_live(work, owner_id=principal.actor.id)


async def authenticate(database: Database, token: str, *, pepper: str) -> Principal:
    """Return who a token speaks for, and what it may do.

    A malformed, mistyped or forged token is refused without a query, but for a wrong secret.

    Raises:
        Unauthenticated: anything is wrong; the message never says what.
    """
    parsed = keys.parse_token(token, pepper=pepper)
    async with database.glance() as work:
        match parsed:
            case KeyToken():
                return await _by_key(work, parsed, pepper=pepper)
            case SessionToken():
                return await _by_session(work, parsed)
            case RunToken():
                return await _by_run(work, parsed)


async def _by_key(work: UnitOfWork, token: KeyToken, *, pepper: str) -> Principal:
    found = await stored.find_key_facts(work, id_=token.id)
    if found is None:
        raise Unauthenticated
    key = found.key
    shown = [
        one for one in found.secrets if keys.is_secret(token.secret, stored=one.hash, pepper=pepper)
    ]
    if not (shown and key.kind is token.kind and key.is_usable(work.now)):
        raise Unauthenticated
    await _keep_up(work, token, hashed=shown[0].hash, pepper=pepper)
    if key.last_used_at is None or key.last_used_at <= work.now - keys.LAST_USED_RESOLUTION:
        await stored.touch(work, id_=key.id, resolution=keys.LAST_USED_RESOLUTION)
    found.closures.check()
    rights = standings.rights_of(
        key.kind, key.scopes, workspace_id=key.workspace_id, owned=found.rights
    )
    if rights is None:
        raise Unauthenticated
    return Principal(
        actor=key.owner,
        organization_id=key.organization_id,
        workspace_id=key.workspace_id,
        scopes=rights.anywhere,
        rights=rights,
        api_key_id=key.id,
        secret_number=shown[0].number,
        work_pool_id=key.work_pool_id,
        expires_at=shown[0].ends_at,
        networks=found.closures.networks,
    )


async def _keep_up(work: UnitOfWork, token: KeyToken, *, hashed: bytes, pepper: str) -> None:
    now = keys.hash_secret(token.secret, pepper=pepper)
    if now != hashed:
        await stored.set_hash(work, id_=token.id, old_hash=hashed, new_hash=now)


async def _by_session(work: UnitOfWork, token: SessionToken) -> Principal:
    if token.expires_at <= work.now:
        raise Unauthenticated
    session = await session_tokens.find_live_session(work, token)
    if session is None:
        raise Unauthenticated
    return Principal(
        actor=Actor(ActorKind.AGENT_SESSION, token.session_id, session.agent_name),
        organization_id=token.organization_id,
        workspace_id=token.workspace_id,
        scopes=AGENT_SESSION_SCOPES,
        api_key_id=session.api_key_id,
        agent_session_id=token.session_id,
        work_pool_id=session.work_pool_id,
        expires_at=min(token.expires_at, session.key_ends_at or token.expires_at),
        generation=token.generation,
        networks=session.networks,
    )


async def _by_run(work: UnitOfWork, token: RunToken) -> Principal:
    found = await run_tokens.find_leased_run(work, token, grace=keys.ENDED_RUN_GRACE)
    if found is None:
        raise Unauthenticated
    withheld = standings.withheld_now(
        token, found.rights, is_agent_there=found.is_agent_there, has_ended=found.has_ended
    )
    return Principal(
        actor=Actor(ActorKind.RUN, token.run_id, found.name),
        organization_id=token.organization_id,
        workspace_id=token.workspace_id,
        scopes=RUN_SCOPES - withheld,
        run=RunGrant(
            run_id=token.run_id,
            epoch=token.epoch,
            may_start=Scope.RUNS_WRITE not in withheld,
            api_key_id=token.api_key_id,
            secret_number=token.secret_number,
            agents_key_id=found.agents_key_id,
            caller=found.caller,
        ),
        expires_at=found.key_ends_at,
        generation=token.generation,
        networks=found.networks,
    )


async def _check_pool(work: UnitOfWork, new: NewApiKey) -> None:
    if work.workspace_id != new.workspace_id or new.work_pool_id not in await work_pools.get_many(
        work, [new.work_pool_id] if new.work_pool_id else []
    ):
        raise NotFound


async def _get_within(work: UnitOfWork, *, granter: Principal, id_: UUID) -> ApiKey:
    key = await stored.find_key(work, id_=id_)
    if key is None or key.organization_id != granter.organization_id:
        raise NotFound
    if granter.workspace_id is not None and granter.workspace_id != key.workspace_id:
        raise NotFound
    return key
