"""How a mutation is declared: its scopes, and one mechanism for its expected failures."""

from collections.abc import Callable, Iterable
from typing import Any, cast

import strawberry
from msgspec import UNSET
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.field import StrawberryField

from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import lacking
from headgate_server.graphql.context import needing
from headgate_server.graphql.directives import RequiredScopes
from headgate_server.graphql.errors import MutationError, is_expected, present
from headgate_server.graphql.permissions import Info

STORING = "Refused with QUOTA_EXCEEDED where STORED_BYTES is used up."


def given(value: Any, *, is_nullable: bool = False) -> Any:
    """Return an input's value as services take it: UNSET where nothing was said.

    Args:
        value: as it was sent.
        is_nullable: null means something of its own here.
    """
    if value is strawberry.UNSET or (value is None and not is_nullable):
        return UNSET
    return value


def errors_field() -> Any:
    """Declare the ``errors`` of a payload."""
    return strawberry.field(
        default_factory=list[MutationError],
        description="Why nothing was changed; empty when the mutation was carried out.",
    )


def payload_field(description: str, *, default: Any = None) -> Any:
    """Declare a field of a payload with what it holds when the mutation failed."""
    if isinstance(default, list):
        return strawberry.field(default_factory=list[Any], description=description)
    return strawberry.field(default=default, description=description)


class MutationField(FieldExtension):
    """Checks the scopes of a mutation, and answers expected failures in its payload.

    The resolver opens one unit of work with ``info.context.work`` and builds the payload after it:
    an expected error raised inside has rolled everything back by the time it is presented here.
    """

    def __init__(self, requires: Iterable[Scope], *, is_storing: bool = False) -> None:
        self.requires = frozenset(requires)
        self.is_storing = is_storing
        self.payload: Callable[..., Any] = object

    def apply(self, field: StrawberryField) -> None:
        self.payload = cast("Callable[..., Any]", field.type)
        if not any(isinstance(found, RequiredScopes) for found in field.directives):
            field.directives.append(RequiredScopes(requires=sorted(self.requires)))

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        principal = info.context.principal
        if not self.requires <= principal.scopes:
            refusal = lacking(principal.missing_scopes(self.requires))
            return self.payload(errors=[present(refusal)])
        try:
            if self.is_storing:
                info.context.check_storage()
            with needing(self.requires):
                return await next_(source, info, **kwargs)
        except HeadgateError as error:
            if not is_expected(error):
                raise
            return self.payload(errors=[present(error)])


def mutation(
    *,
    requires: Iterable[Scope],
    description: str,
    directives: Iterable[object] = (),
    is_storing: bool = False,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a mutation with the scopes it needs.

    Args:
        requires: all of them.
        description: for who calls it.
        directives: further ones.
        is_storing: it stores what its caller chooses the size of, and is refused where the quota
            of stored bytes is used up. What runs report of themselves is not.
    """
    return strawberry.mutation(
        description=f"{description} {STORING}" if is_storing else description,
        directives=list(directives),
        extensions=[MutationField(requires, is_storing=is_storing)],
    )
