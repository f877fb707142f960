"""Makes the runs of a batch once for each idempotency key, and keeps what each was answered."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.errors import HeadgateError, InvalidInput, LimitExceeded, NotFound
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.quotas import Quota, QuotaExceeded, QuotaKind
from headgate_server.services.flow_runs.create import RunRequest, create_runs
from headgate_server.services.flow_runs.read import get_many_flow_runs
from headgate_server.services.idempotency_keys import once


async def create_runs_once(
    work: UnitOfWork,
    requests: Sequence[RunRequest],
    *,
    key: str | None,
    body: object,
    check: Callable[[], None],
) -> tuple[list[FlowRun | HeadgateError | None], bool]:
    """Create many runs once for a key; what became of each in its order, and if it was before.

    A repetition answers as the first request was, also of what was refused then; None of a run that
    is gone by now.

    Args:
        work, key, body: as of ``once``.
        requests: what to run.
        check: refuses to make any; a repetition makes none.

    Raises:
        InvalidInput: not 1 to 1,000 runs, or a bad key.
        IdempotencyMismatch: the key was used for other runs.
    """
    made: list[FlowRun | HeadgateError] = []

    async def carry_out() -> dict[str, Any]:
        check()
        made.extend(await create_runs(work, requests))
        return {"results": [_keep(result) for result in made]}

    answer, is_duplicate = await once(
        work, operation="flowRunCreateBatch", key=key, body=body, carry_out=carry_out
    )
    if not is_duplicate:
        return [*made], False
    kept = answer["results"]
    found = await get_many_flow_runs(work, [UUID(one["id"]) for one in kept if "id" in one])
    return [found.get(UUID(one["id"])) if "id" in one else _refusal(one) for one in kept], True


def _keep(result: FlowRun | HeadgateError) -> dict[str, Any]:
    if not isinstance(result, HeadgateError):
        return {"id": str(result.id)}
    kept: dict[str, Any] = {
        "code": result.code,
        "message": result.message,
        "path": list(result.path),
    }
    if isinstance(result, LimitExceeded):
        reset_at = result.reset_at and result.reset_at.isoformat()
        kept |= {"limit": result.limit, "current": result.current, "resetAt": reset_at}
    if isinstance(result, QuotaExceeded):
        kept["quota"] = result.kind.value
    return kept


def _refusal(kept: Mapping[str, Any]) -> HeadgateError:
    message, path = kept["message"], kept["path"]
    if "limit" not in kept:
        kind = NotFound if kept["code"] == NotFound.code else InvalidInput
        return kind(message, path=path)
    at = datetime.fromisoformat(kept["resetAt"]) if kept["resetAt"] else None
    limit, current = kept["limit"], kept["current"]
    if "quota" in kept:
        return QuotaExceeded(Quota(QuotaKind(kept["quota"]), limit, current, at))
    return LimitExceeded(message, limit=limit, current=current, reset_at=at)
