"""Every expected error: a class, a stable code, and a safe message that says what to do.

The docstring of a class is its default message. Nothing in a message may be secret: callers see it.

    HeadgateError
     ├─ InvalidInput           INVALID               (InvalidId, InvalidCursor, ...)
     ├─ NotFound               NOT_FOUND
     ├─ Forbidden              FORBIDDEN
     ├─ Conflict               CONFLICT
     ├─ VersionConflict        VERSION_CONFLICT
     ├─ LimitExceeded          LIMIT_EXCEEDED
     │   └─ QuotaExceeded       QUOTA_EXCEEDED
     ├─ IllegalTransition      ILLEGAL_TRANSITION
     ├─ LeaseLost              LEASE_LOST
     ├─ SessionFenced          SESSION_FENCED
     ├─ IdempotencyMismatch    IDEMPOTENCY_MISMATCH
     ├─ Unauthenticated        UNAUTHENTICATED       (never in a payload: answers 401)
     │   └─ OldGeneration       OLD_GENERATION
     └─ Unavailable            UNAVAILABLE           (retryable: answers 503)
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar


class HeadgateError(Exception):
    """Something went wrong that Headgate expected."""

    code: ClassVar[str] = "INTERNAL"
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None, *, path: Sequence[str] = ()) -> None:
        self.message = message or (type(self).__doc__ or "").split("\n")[0]
        self.path = tuple(path)
        super().__init__(self.message)


class InvalidInput(HeadgateError):
    """The input is not valid; correct the named field and send it again."""

    code = "INVALID"


class InvalidId(InvalidInput):
    """This is not a valid id; pass an id as the API returned it."""


class InvalidCursor(InvalidInput):
    """This cursor does not belong to this list, filter and order; start again without it."""


class NotFound(HeadgateError):
    """No such object, or you may not see it; check the id and the workspace."""

    code = "NOT_FOUND"


class Forbidden(HeadgateError):
    """Your credential lacks a scope for this; ask an owner of the workspace to grant it."""

    code = "FORBIDDEN"

    def __init__(self, message: str | None = None, *, missing_scopes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing_scopes = tuple(missing_scopes)


class Suspended(HeadgateError):
    """The operators of this installation have suspended the organization; ask them."""

    code = "SUSPENDED"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The operators of this installation have suspended this organization: {reason}"
        )


class Conflict(HeadgateError):
    """An object with this name exists already; choose another name or change that one."""

    code = "CONFLICT"

    def __init__(
        self,
        message: str | None = None,
        *,
        path: Sequence[str] = (),
        existing_id: str | None = None,
    ) -> None:
        super().__init__(message, path=path)
        self.existing_id = existing_id


class VersionConflict(HeadgateError):
    """Someone changed this object since you read it; read it again and repeat your change."""

    code = "VERSION_CONFLICT"

    def __init__(
        self, message: str | None = None, *, current_version: int, path: Sequence[str] = ()
    ) -> None:
        super().__init__(message, path=path)
        self.current_version = current_version


class LimitExceeded(HeadgateError):
    """A limit was reached; send less, or wait until the limit resets."""

    code = "LIMIT_EXCEEDED"

    def __init__(
        self,
        message: str | None = None,
        *,
        limit: int,
        current: int,
        reset_at: datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.current = current
        self.reset_at = reset_at


class IllegalTransition(HeadgateError):
    """A run cannot go from its current state to the proposed one."""

    code = "ILLEGAL_TRANSITION"

    def __init__(
        self,
        message: str | None = None,
        *,
        current: str,
        proposed: str,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.current = current
        self.proposed = proposed
        self.retry_after_seconds = retry_after_seconds


class LeaseLost(HeadgateError):
    """The lease on this run is no longer yours; stop the run and report nothing more."""

    code = "LEASE_LOST"

    def __init__(
        self,
        message: str | None = None,
        *,
        current_epoch: int | None = None,
        holder: str | None = None,
    ) -> None:
        super().__init__(message)
        self.current_epoch = current_epoch
        self.holder = holder


class SessionFenced(HeadgateError):
    """This agent session has ended or was replaced; register again."""

    code = "SESSION_FENCED"


class IdempotencyMismatch(HeadgateError):
    """This idempotency key was used with another input; use a fresh key for a new request."""

    code = "IDEMPOTENCY_MISMATCH"


class Unauthenticated(HeadgateError):
    """The credential is missing, unknown, expired or revoked; send a valid Bearer token."""

    code = "UNAUTHENTICATED"


class OldGeneration(Unauthenticated):
    """The database was restored since this token was issued; register again, end the run."""

    code = "OLD_GENERATION"


class Unavailable(HeadgateError):
    """The database cannot be reached right now; try again in a moment."""

    code = "UNAVAILABLE"
    is_retryable = True


class ConfigurationError(HeadgateError):
    """The configuration is not usable; correct the named setting and start again."""

    code = "CONFIGURATION"
