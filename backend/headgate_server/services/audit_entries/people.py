"""Entries about how people sign in: in the log of each organization that they belong to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.login_sessions import NOWHERE, Browser
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.domain.users import User
from headgate_server.repositories import members
from headgate_server.services.audit_entries.record import record_action


async def record_person(
    work: UnitOfWork,
    verb: str,
    user: User,
    *,
    browser: Browser = NOWHERE,
    session_id: UUID | None = None,
    said: Mapping[str, Any] | None = None,
    by: Actor | None = None,
) -> None:
    """Write that somebody did something about their own way to sign in; as the system.

    Args:
        work: the unit of work of the change.
        verb: what they did, in the past tense.
        user: who.
        browser: where from; as the unit of work knows it, if not said.
        session_id: the session in which they did it.
        said: what else belongs to it.
        by: who did it for them; None is they themselves.
    """
    origin = replace(work.origin, login_session_id=session_id or work.origin.login_session_id)
    if browser != NOWHERE:
        origin = replace(origin, address=browser.ip, user_agent=browser.user_agent)
    actor = by or Actor(ActorKind.USER, user.id, user.display_name)
    for place in await members.list_organizations_of(work, user_id=user.id):
        within = replace(work, organization_id=place.organization.id, actor=actor, origin=origin)
        await record_action(
            within, verb, kind=ids.Kind.USER, id_=user.id, name=user.display_name, said=said
        )
