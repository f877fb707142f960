"""Who may use a field: every field that can deny declares its scopes here, and in one way.

``requires_scopes`` puts the scopes into the schema as ``@scope``, where documentation, the contract
test and clients read them, and checks them with one set operation before the resolver runs.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, TypeVar, cast

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver, SyncExtensionResolver
from strawberry.types.base import StrawberryOptional
from strawberry.types.field import StrawberryField

from headgate_server.domain.errors import Forbidden
from headgate_server.domain.permissions import Scope
from headgate_server.domain.tenancy import lacking
from headgate_server.graphql.context import OperationContext, needing
from headgate_server.graphql.directives import RequiredScopes

ANY_CREDENTIAL: frozenset[Scope] = frozenset()
"""Declared by fields that every authenticated caller may use."""

Info = strawberry.Info[OperationContext, None]
T = TypeVar("T")


class DeclareOpen(FieldExtension):
    """Declares that any credential will do; takes no part in resolving, and so costs nothing."""

    requires: frozenset[Scope] = ANY_CREDENTIAL

    def apply(self, field: StrawberryField) -> None:
        if not any(isinstance(found, RequiredScopes) for found in field.directives):
            field.directives.append(RequiredScopes(requires=[]))


class RequireScopes(FieldExtension):
    """Denies a field to callers who lack its scopes.

    A nullable field answers null, as it does for what does not exist; any other fails with
    FORBIDDEN and the names of the missing scopes.
    """

    def __init__(self, requires: Iterable[Scope]) -> None:
        self.requires = frozenset(requires)
        self.is_nullable = False

    def apply(self, field: StrawberryField) -> None:
        self.is_nullable = isinstance(field.type, StrawberryOptional)
        if not any(isinstance(found, RequiredScopes) for found in field.directives):
            field.directives.append(RequiredScopes(requires=sorted(self.requires)))

    def resolve(self, next_: SyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        if self.requires <= info.context.principal.scopes:
            with needing(self.requires):
                return next_(source, info, **kwargs)
        return self.deny(info)

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        if not self.requires <= info.context.principal.scopes:
            return self.deny(info)
        with needing(self.requires):
            found = next_(source, info, **kwargs)
            if inspect.isasyncgen(found):
                return self.guard(cast("AsyncGenerator[Any]", found), info)
            try:
                return await found
            except Forbidden:
                if self.is_nullable:
                    return None
                raise

    async def guard(self, results: AsyncGenerator[Any], info: Info) -> AsyncGenerator[Any]:
        """Yield the results of a subscription for as long as the caller holds the scopes.

        Raises:
            Forbidden: the caller has lost one meanwhile.
        """
        async with aclosing(results):
            while True:
                with needing(self.requires):
                    try:
                        result = await anext(results)
                    except StopAsyncIteration:
                        return
                missing = info.context.principal.missing_scopes(self.requires)
                if missing:
                    raise lacking(missing)
                yield result

    def deny(self, info: Info) -> None:
        """Answer null where null is an answer.

        Raises:
            Forbidden: the field cannot be null.
        """
        if not self.is_nullable:
            raise lacking(info.context.principal.missing_scopes(self.requires))


def scoped_field(
    *,
    requires: Iterable[Scope],
    description: str,
    name: str | None = None,
    directives: Iterable[object] = (),
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a field of a type, or of Query or Subscription, with the scopes it needs."""
    return strawberry.field(
        name=name,
        description=description,
        directives=list(directives),
        extensions=[_declare(requires)],
    )


def _declare(requires: Iterable[Scope]) -> FieldExtension:
    wanted = frozenset(requires)
    return RequireScopes(wanted) if wanted else DeclareOpen()


def scoped_subscription(
    *, requires: Iterable[Scope], description: str, directives: Iterable[object] = ()
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a subscription with the scopes it needs."""
    return strawberry.subscription(
        description=description,
        directives=list(directives),
        extensions=[_declare(requires)],
    )


async def while_admitted(context: OperationContext, waiting: Awaitable[T]) -> T:
    """Return what is waited for, for as long as the caller is let in.

    Raises:
        HeadgateError: why the caller is no more, as soon as that is so.
    """
    if context.until_refused is None:
        return await waiting
    wait, refused = asyncio.ensure_future(waiting), asyncio.ensure_future(context.until_refused())
    try:
        await asyncio.wait({wait, refused}, return_when=asyncio.FIRST_COMPLETED)
        if wait.done():
            return wait.result()
        raise refused.result()
    finally:
        wait.cancel()
        refused.cancel()
        await asyncio.wait({wait, refused})
