"""Those who act, as history names them; people and machines have modules of their own."""

from collections.abc import Callable
from uuid import UUID

import strawberry

from headgate_server.domain import ids
from headgate_server.domain.tenancy import Actor as ActorRow
from headgate_server.domain.tenancy import ActorKind
from headgate_server.graphql.shapes.nodes import show_id

SYSTEM_ID = strawberry.ID("system")


@strawberry.interface(description="One who acts, as history names it.")
class Actor:
    id: strawberry.ID = strawberry.field(description="The actor's id.")
    display_name: str = strawberry.field(description="The name to show.")


@strawberry.type(description="One process of an agent, as one who acts.")
class AgentSession(Actor):
    pass


@strawberry.type(description="A flow run, acting through the token it was given.")
class RunActor(Actor):
    pass


@strawberry.type(description="Headgate itself.")
class System(Actor):
    pass


_SHOWN: dict[ActorKind, Callable[[UUID, str], Actor]] = {}


def acts(kind: ActorKind, *, by: Callable[[UUID, str], Actor]) -> None:
    """Register how actors of a kind are shown, from their id and name."""
    _SHOWN[kind] = by


def show_actor(row: ActorRow) -> Actor:
    """Return one who acts, without reading anything."""
    if row.id is None or row.kind not in _SHOWN:
        return System(id=SYSTEM_ID, display_name=row.display_name)
    return _SHOWN[row.kind](row.id, row.display_name)


def _show_session(id_: UUID, name: str) -> Actor:
    return AgentSession(id=show_id(ids.Kind.AGENT_SESSION, id_), display_name=name)


def _show_run(id_: UUID, name: str) -> Actor:
    return RunActor(id=show_id(ids.Kind.FLOW_RUN, id_), display_name=name)


acts(ActorKind.AGENT_SESSION, by=_show_session)
acts(ActorKind.RUN, by=_show_run)
