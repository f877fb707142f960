"""What every noun's calls share: run an operation, raise its refusal, read its answer."""

from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from headgate.api.documents import document
from headgate.api.transport import Transport
from headgate.errors import BadRequestError, NotFoundError, TooLargeError, refusal
from headgate.ids import make_uuid

T = TypeVar("T")

MUST_BE_NEW = 0
"""The version that is expected of what is not there yet."""
PAGE_SIZE = 50


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """The base of every object that the API answers with; unknown fields are left out."""


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list.

    Args:
        end_cursor: pass it as ``after`` to read on.
    """

    items: list[T]
    end_cursor: str | None = None
    has_next_page: bool = False


class LeaseInput(msgspec.Struct, frozen=True, rename="camel"):
    """The right to write about a run: which run, by what token, in which epoch."""

    run_id: str
    lease_token: str
    epoch: int

    def as_variables(self) -> dict[str, Any]:
        """Return it as the API's ``LeaseInput``."""
        return {"runId": self.run_id, "leaseToken": self.lease_token, "epoch": self.epoch}


async def ask(
    transport: Transport,
    noun: str,
    operation: str,
    *,
    variables: dict[str, Any],
    deadline_seconds: float | None = None,
) -> Any:
    """Run an operation with one root field and return that field's value.

    Raises:
        ApiError: the server could not be asked or failed.
    """
    data = await transport.execute(
        document(noun, operation),
        variables,
        operation=operation,
        deadline_seconds=deadline_seconds,
    )
    return next(iter(data.values()))


async def change(
    transport: Transport,
    noun: str,
    operation: str,
    *,
    input: dict[str, Any],
    deadline_seconds: float | None = None,
) -> dict[str, Any]:
    """Run a mutation and return its payload.

    Raises:
        RefusedError: of the kind of the payload's first error.
        ApiError: the server could not be asked or failed.
    """
    payload = await ask(
        transport,
        noun,
        operation,
        variables={"input": input},
        deadline_seconds=deadline_seconds,
    )
    errors = payload.get("errors")
    if errors:
        raise refusal(errors[0])
    return payload


async def change_or_make(
    transport: Transport, noun: str, operation: str, *, input: dict[str, Any], is_new: bool
) -> dict[str, Any]:
    """Run a mutation that makes what it names, or changes it; only the first if it is to be new.

    Asked again, since an answer was lost, it is answered as before. An older server knows no way to
    say so: there two that make the same at once both succeed.

    Raises:
        ConflictError: it was to be new, and is there.
    """
    if not is_new:
        return await change(transport, noun, operation, input=input)
    try:
        return await change(
            transport,
            noun,
            operation,
            input={**input, "expectedVersion": MUST_BE_NEW, "idempotencyKey": make_uuid()},
        )
    except (BadRequestError, NotFoundError) as error:
        # Of what it does not find a newer one names the field; an older one means the version.
        if isinstance(error, TooLargeError) or (isinstance(error, NotFoundError) and error.path):
            raise
        return await change(transport, noun, operation, input=input)


async def change_or_older(
    transport: Transport,
    noun: str,
    operation: str,
    *,
    lacks: str,
    input: dict[str, Any],
    deadline_seconds: float | None = None,
) -> dict[str, Any]:
    """Run a mutation, or the one of its name with ``Older`` where the server lacks a field of it.

    Args:
        lacks: the field that an older server does not have.
    """
    ask = partial(change, transport, noun, input=input, deadline_seconds=deadline_seconds)
    try:
        return await ask(operation)
    except BadRequestError as error:
        if f"'{lacks}'" not in str(error):
            raise
        return await ask(f"{operation}Older")


def given(**values: Any) -> dict[str, Any]:
    """Return the inputs that were given, so that absent ones keep the server's defaults."""
    return {key: value for key, value in values.items() if value is not None}


def require(value: Any, *, what: str) -> Any:
    """Return a value that must be there.

    Raises:
        NotFoundError: it is null, so it does not exist or this key may not see it.
    """
    if value is None:
        message = f"There is no {what}, or this key may not see it"
        raise NotFoundError(message)
    return value


async def ask_workspace(
    transport: Transport,
    noun: str,
    operation: str,
    *,
    organization: str,
    workspace: str,
    **more: Any,
) -> dict[str, Any]:
    """Run an operation whose root field is a workspace and return that workspace.

    Args:
        more: the operation's other variables; those that are None are left to the server.

    Raises:
        NotFoundError: there is no such workspace, or this key may not see it.
    """
    variables = given(organization=organization, workspace=workspace, **more)
    found = await ask(transport, noun, operation, variables=variables)
    return require(found, what=f"workspace {organization}/{workspace}")


async def ask_organization(
    transport: Transport,
    noun: str,
    operation: str,
    *,
    organization: str,
    **more: Any,
) -> dict[str, Any]:
    """Run an operation whose root field is an organization and return that organization.

    Args:
        more: the operation's other variables; those that are None are left to the server.

    Raises:
        NotFoundError: there is no such organization, or this key may not see it.
    """
    variables = given(organization=organization, **more)
    found = await ask(transport, noun, operation, variables=variables)
    return require(found, what=f"organization {organization}")


def read_page(connection: dict[str, Any], *, item: type[T]) -> Page[T]:
    """Read a connection's nodes and how to go on."""
    info = connection["pageInfo"]
    return Page(
        items=msgspec.convert(connection["nodes"], list[item]),
        end_cursor=info["endCursor"],
        has_next_page=info["hasNextPage"],
    )
