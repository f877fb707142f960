"""Expected failures as data: the errors of a payload, and how a domain error becomes one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import strawberry

from headgate_server.domain import errors
from headgate_server.domain.permissions import Scope
from headgate_server.domain.quotas import QuotaExceeded
from headgate_server.domain.states import StateType
from headgate_server.graphql import enums as enums  # registers the domain's enums

if TYPE_CHECKING:
    from headgate_server.graphql.shapes.nodes import Node


@strawberry.enum(description="Why a mutation was not carried out; stable, meant for programs.")
class ErrorCode(StrEnum):
    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    ILLEGAL_TRANSITION = "ILLEGAL_TRANSITION"
    LEASE_LOST = "LEASE_LOST"
    SESSION_FENCED = "SESSION_FENCED"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"


@strawberry.interface(description="An expected failure of a mutation.")
class MutationError:
    code: ErrorCode = strawberry.field(description="What kind of failure; for programs.")
    message: str = strawberry.field(description="What to do about it; for people.")
    path: list[str] | None = strawberry.field(
        description="The input field at fault, from the outermost name; null if none is."
    )


@strawberry.type(description="The input is not valid, or was used before with another body.")
class InputError(MutationError):
    pass


@strawberry.type(description="No such object, or one that the caller may not see.")
class NotFoundError(MutationError):
    pass


@strawberry.type(description="The credential lacks a scope.")
class ForbiddenError(MutationError):
    missing_scopes: list[Scope] = strawberry.field(
        description="The scopes that the credential lacks, by name."
    )


@strawberry.type(description="The object collides with another one.")
class ConflictError(MutationError):
    existing_id: strawberry.Private[str | None] = None

    @strawberry.field(description="The object that is in the way; null if it may not be seen.")
    async def existing(
        self, info: strawberry.Info
    ) -> Annotated["Node", strawberry.lazy("headgate_server.graphql.shapes.nodes")] | None:
        if self.existing_id is None:
            return None
        return await info.context.find_node(self.existing_id)


@strawberry.type(description="Someone changed the object since it was read.")
class VersionConflictError(MutationError):
    current_version: int = strawberry.field(
        description="The version the object has now; read it again before repeating the change."
    )


@strawberry.type(description="A limit was reached.")
class LimitError(MutationError):
    limit: int = strawberry.field(description="The limit.")
    current: int = strawberry.field(description="How much was asked for or is in use.")
    reset_at: datetime | None = strawberry.field(
        description="When there is room again; null if waiting does not help."
    )
    quota: enums.QuotaKind | None = strawberry.field(
        default=None, description="The organization's quota that is used up; null if none is."
    )


@strawberry.type(description="A run cannot go from its current state to the proposed one.")
class TransitionError(MutationError):
    from_: StateType = strawberry.field(name="from", description="The state the run is in.")
    to: StateType = strawberry.field(description="The state that was proposed.")
    retry_after: timedelta | None = strawberry.field(
        description="When to propose again; null if the refusal is final."
    )


@strawberry.type(description="The lease or the agent session is no longer the caller's.")
class LeaseError(MutationError):
    current_epoch: int | None = strawberry.field(
        description="The epoch the lease has now; null if the run holds none."
    )
    holder: str | None = strawberry.field(
        description="Who holds the lease now; null if nobody, or if the caller may not know."
    )


ERROR_TYPES: tuple[type[MutationError], ...] = (
    InputError,
    NotFoundError,
    ForbiddenError,
    ConflictError,
    VersionConflictError,
    LimitError,
    TransitionError,
    LeaseError,
)
"""Every concrete error; named to the schema, since fields only mention the interface."""


def is_expected(error: errors.HeadgateError) -> bool:
    """Whether an error belongs into a payload; the others fail the whole operation."""
    return error.code in ErrorCode.__members__


def present(error: errors.HeadgateError) -> MutationError:
    """Return the payload error that stands for an expected domain error."""
    for kind, build in _BUILDERS:
        if isinstance(error, kind):
            return build(error)
    raise error


def _input(error: errors.HeadgateError) -> MutationError:
    return InputError(code=_code(error), message=error.message, path=_path(error))


def _not_found(error: errors.HeadgateError) -> MutationError:
    return NotFoundError(code=_code(error), message=error.message, path=_path(error))


def _forbidden(error: errors.Forbidden) -> MutationError:
    return ForbiddenError(
        code=_code(error),
        message=error.message,
        path=_path(error),
        missing_scopes=[Scope(scope) for scope in error.missing_scopes],
    )


def _conflict(error: errors.Conflict) -> MutationError:
    return ConflictError(
        code=_code(error),
        message=error.message,
        path=_path(error),
        existing_id=error.existing_id,
    )


def _version_conflict(error: errors.VersionConflict) -> MutationError:
    return VersionConflictError(
        code=_code(error),
        message=error.message,
        path=_path(error) or ["expectedVersion"],
        current_version=error.current_version,
    )


def _limit(error: errors.LimitExceeded) -> MutationError:
    return LimitError(
        code=_code(error),
        message=error.message,
        path=_path(error),
        limit=error.limit,
        current=error.current,
        reset_at=error.reset_at,
        quota=error.kind if isinstance(error, QuotaExceeded) else None,
    )


def _transition(error: errors.IllegalTransition) -> MutationError:
    seconds = error.retry_after_seconds
    return TransitionError(
        code=_code(error),
        message=error.message,
        path=_path(error),
        from_=StateType(error.current),
        to=StateType(error.proposed),
        retry_after=None if seconds is None else timedelta(seconds=seconds),
    )


def _lease(error: errors.HeadgateError) -> MutationError:
    is_lease = isinstance(error, errors.LeaseLost)
    return LeaseError(
        code=_code(error),
        message=error.message,
        path=_path(error),
        current_epoch=error.current_epoch if is_lease else None,
        holder=error.holder if is_lease else None,
    )


def _code(error: errors.HeadgateError) -> ErrorCode:
    return ErrorCode(error.code)


def _path(error: errors.HeadgateError) -> list[str] | None:
    return list(error.path) or None


_E = TypeVar("_E", bound=errors.HeadgateError)
_Builder = tuple[type[errors.HeadgateError], Callable[[errors.HeadgateError], MutationError]]


def _builder(kind: type[_E], build: Callable[[_E], MutationError]) -> _Builder:
    return kind, build  # pyright: ignore[reportReturnType]  # present() checks the class first


_BUILDERS: tuple[_Builder, ...] = (
    _builder(errors.InvalidInput, _input),
    _builder(errors.IdempotencyMismatch, _input),
    _builder(errors.NotFound, _not_found),
    _builder(errors.Forbidden, _forbidden),
    _builder(errors.Conflict, _conflict),
    _builder(errors.VersionConflict, _version_conflict),
    _builder(errors.LimitExceeded, _limit),
    _builder(errors.IllegalTransition, _transition),
    _builder(errors.LeaseLost, _lease),
    _builder(errors.SessionFenced, _lease),
)
