"""Every named place at which a process may die, hang, or do its work and not be told so.

None is a hook in the product. Links see each operation pass: a mutation that an agent or a run
sends, a statement that an API or a scheduler runs. At the moment a point names, the process that
asked is killed or frozen, or only its connection is cut.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import psutil

from tests.chaos.world import API, POSTGRES, Member, World
from tests.fixtures.proxy import Link, Moment, Trap


class Action(StrEnum):
    """What happens at a fault point."""

    KILL = "kill"
    HANG = "hang"
    CUT = "cut"
    """The connection is reset: after the fact, this is "done, then timed out"."""


class Place(StrEnum):
    """Whose process a fault point is in."""

    API = "api"
    SCHEDULER = "scheduler"
    AGENT = "agent"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """One place.

    Args:
        needs: what the harness does to bring the operation about; empty where it comes by itself.
    """

    place: Place
    operation: str
    moment: Moment
    needs: str = ""

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return f"{self.place}.{self.operation}.{self.moment.lower()}"


_SQL_MOMENTS = (Moment.BEFORE, Moment.AFTER, Moment.COMMITTED)
_HTTP_MOMENTS = (Moment.BEFORE, Moment.AFTER)
_OPERATIONS: dict[tuple[Place, str], tuple[tuple[Moment, ...], str]] = {
    (Place.API, "create_runs"): (_SQL_MOMENTS, ""),
    (Place.API, "claim_key"): (_SQL_MOMENTS, ""),
    (Place.API, "set_answer"): (_SQL_MOMENTS, ""),
    (Place.API, "lock_runs"): (_SQL_MOMENTS, ""),
    (Place.API, "apply_transition"): (_SQL_MOMENTS, ""),
    (Place.API, "offer_runs"): (_SQL_MOMENTS, ""),
    (Place.API, "renew_leases"): (_SQL_MOMENTS, ""),
    (Place.API, "sync_task_runs"): (_SQL_MOMENTS, ""),
    (Place.API, "append_logs"): (_SQL_MOMENTS, ""),
    (Place.API, "note_service"): (_SQL_MOMENTS, ""),
    (Place.API, "touch_sessions"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "insert_fires"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "create_runs"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "advance_schedules"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "publish_outbox"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "reap_offers"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "mark_unresponsive"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "list_late"): (_SQL_MOMENTS, ""),
    (Place.SCHEDULER, "apply_transition"): (_SQL_MOMENTS, ""),
    (Place.AGENT, "AgentRegister"): (_HTTP_MOMENTS, "new agent"),
    (Place.AGENT, "AgentHeartbeat"): (_HTTP_MOMENTS, ""),
    (Place.AGENT, "RunClaim"): (_HTTP_MOMENTS, ""),
    (Place.AGENT, "RunRelease"): (_HTTP_MOMENTS, "killed child"),
    (Place.CHILD, "FlowRunSetState"): (_HTTP_MOMENTS, ""),
    (Place.CHILD, "FlowRunBegin"): (_HTTP_MOMENTS, ""),
    (Place.CHILD, "TaskRunSync"): (_HTTP_MOMENTS, ""),
}
FAULT_POINTS = tuple(
    FaultPoint(place, operation, moment, needs)
    for (place, operation), (moments, needs) in _OPERATIONS.items()
    for moment in moments
)
"""The registry: a run of the matrix hits every one of them."""


def set_trap(world: World, point: FaultPoint, action: Action) -> "Trapped":
    """Wait at a fault point, in whichever member comes by first."""
    kind = Place.AGENT if point.place is Place.CHILD else point.place
    stopped: list[int] = []
    killed: list[tuple[Member, int]] = []
    traps: list[tuple[Link, Trap]] = []
    for member in world.of(kind):
        link = member.links[API if member.kind == Place.AGENT else POSTGRES]
        act = _actor(member, point, action, stopped=stopped, killed=killed)
        traps.append((link, link.trap(Trap(point.operation, point.moment, act))))
    return Trapped(point, traps, stopped, killed)


@dataclass(frozen=True, slots=True)
class Trapped:
    """A fault point that is waited at, in several members at once."""

    point: FaultPoint
    traps: list[tuple[Link, Trap]]
    stopped: list[int]
    """The processes that were frozen there."""
    killed: list[tuple[Member, int]]
    """The members that were killed there, with the processes that they were."""

    def thaw(self) -> None:
        """Let them go on."""
        for pid in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def has_closed(self) -> bool:
        """Whether the point was hit; from then on nobody else is."""
        if not any(trap.closed.is_set() for _, trap in self.traps):
            return False
        self.take_up()
        return True

    def are_gone(self) -> bool:
        """Whether everybody has noticed that they are dead who were killed."""
        return not any(member.is_up and member.pid == pid for member, pid in self.killed)

    def take_up(self) -> None:
        """Wait no longer."""
        for link, _ in self.traps:
            link.take_up_traps()


def _actor(
    member: Member,
    point: FaultPoint,
    action: Action,
    *,
    stopped: list[int],
    killed: list[tuple[Member, int]],
) -> Callable[[int], bool]:
    def act(client_port: int) -> bool:
        if action is Action.CUT:
            return True
        pid = owner_of(client_port) if point.place is Place.CHILD else member.pid
        with suppress(ProcessLookupError):
            if pid is not None and action is Action.KILL:
                os.kill(pid, signal.SIGKILL)
                if point.place is not Place.CHILD:
                    killed.append((member, pid))
            elif pid is not None:
                stopped.append(pid)
                os.kill(pid, signal.SIGSTOP)
        return action is Action.KILL

    return act


def owner_of(port: int) -> int | None:
    """Return the process that is connected from a port of this machine."""
    for connection in psutil.net_connections("tcp4"):
        if connection.laddr and connection.laddr[1] == port and connection.pid:
            return connection.pid
    return None
