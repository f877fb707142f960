"""Where the limits meet the schema: bounded caches of checked documents, and a timeout."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from headgate_server.database.work import Database
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.tenancy import Origin, Principal
from headgate_server.graphql.coercions import NamedValues
from headgate_server.graphql.limits import introspection, rules
from headgate_server.graphql.limits.objects import named_objects
from headgate_server.graphql.limits.rates import REPORTERS, Charge, Meter, quota_refusal, refusal
from headgate_server.graphql.limits.rules import bad_request, refuse
from headgate_server.graphql.limits.variables import check_variables
from headgate_server.graphql.limits.walk import OperationMeasure, is_too_deep, measure
from headgate_server.graphql.loaders import Loaders
from headgate_server.services.support_grants import witness

_PARSER_LIMIT = f"Document contains more than {rules.MAX_TOKENS} tokens"
REFUSED_SECONDS = 0.2
"""A refusal costs the replica little if nobody gets many of them."""
SEVERAL = "several"
"""How an operation with several root fields is called."""
VALIDATION_RULES = (
    *(rule for rule in specified_rules if rule is not ValuesOfCorrectTypeRule),
    NamedValues,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a document whatever its variables: its errors and its measures."""

    errors: tuple[GraphQLError, ...]
    operations: tuple[OperationMeasure, ...] = ()


@lru_cache(maxsize=rules.DOCUMENT_CACHE_SIZE)
def parse_cached(document: str) -> DocumentNode:
    """Return the syntax tree of a document of at most 2,000 tokens.

    Raises:
        GraphQLSyntaxError: not GraphQL, or too many tokens.
    """
    return parse(document, max_tokens=rules.MAX_TOKENS)


@lru_cache(maxsize=rules.DOCUMENT_CACHE_SIZE)
def check_cached(schema: GraphQLSchema, document: DocumentNode) -> Checked:
    """Measure a document, and validate it only if it is within the limits."""
    fragments = sum(isinstance(node, FragmentDefinitionNode) for node in document.definitions)
    if fragments > rules.MAX_FRAGMENTS:
        what = f"The document defines {fragments} fragments."
        return Checked((refuse("fragments", what=what, limit=rules.MAX_FRAGMENTS),))
    try:
        operations = tuple(measure(schema, document))
        for found in operations:
            refusal = check_structure(found)
            if refusal is not None:
                return Checked(errors=(refusal,))
        return Checked(_validate(schema, document), operations)
    except RecursionError:
        return Checked(errors=(_refuse_depth(None),))


def _validate(schema: GraphQLSchema, document: DocumentNode) -> tuple[GraphQLError, ...]:
    """Return the first errors of a document, without guesses at what was meant.

    To find what a name resembles takes 16 ms where there are 450 types: 76 names, a second.
    """
    most = rules.MAX_VALIDATION_ERRORS
    errors = validate(schema, document, VALIDATION_RULES, max_errors=most, hide_suggestions=True)
    if len(errors) > most:
        what = f"The document has more mistakes than are told; correct these {most} first."
        errors[most:] = [refuse("validation errors", what=what, limit=most)]
    return tuple(errors)


def check_structure(found: OperationMeasure) -> GraphQLError | None:
    """Return the refusal of an operation that no variables can make small enough."""
    if is_too_deep(found):
        return _refuse_depth(found)
    if found.aliases > rules.MAX_ALIASES:
        return refuse(
            "aliases",
            what=f"The operation has {found.aliases:,} aliases or repeated fields.",
            limit=rules.MAX_ALIASES,
            actual=found.aliases,
        )
    is_mutation = found.type is OperationType.MUTATION
    if is_mutation and len(found.root_fields) > rules.MAX_ROOT_MUTATIONS:
        return refuse(
            "root mutations",
            what=f"The operation has {len(found.root_fields)} mutations.",
            limit=rules.MAX_ROOT_MUTATIONS,
            actual=len(found.root_fields),
        )
    if found.directives > rules.MAX_DIRECTIVES:
        return refuse(
            "directives",
            what=f"The operation has {found.directives:,} directives in one place.",
            limit=rules.MAX_DIRECTIVES,
            actual=found.directives,
        )
    if found.introspection_cost > rules.MAX_MIXED_INTROSPECTION and not found.is_introspection:
        return refuse(
            "introspection",
            what=f"The operation asks {found.introspection_cost:,} points' worth of the schema "
            "beside other fields; ask for the schema in an operation of its own.",
            limit=rules.MAX_MIXED_INTROSPECTION,
            actual=found.introspection_cost,
        )
    return None


def check_cost(found: OperationMeasure) -> GraphQLError | None:
    """Return the refusal of an operation that costs too much."""
    if found.cost <= rules.MAX_COST:
        return None
    return refuse(
        "cost",
        what=f"The operation costs {found.cost:,} points; ask for smaller pages or fewer levels.",
        limit=rules.MAX_COST,
        actual=found.cost,
    )


def name_rule(error: GraphQLError) -> GraphQLError:
    """Return the refusal that stands for the parser's own limit; any other error as it is."""
    if isinstance(error, GraphQLSyntaxError) and _PARSER_LIMIT in error.message:
        return refuse("tokens", what="The document has too many tokens.", limit=rules.MAX_TOKENS)
    return error


def is_report(document: str) -> bool:
    """Whether a document holds nothing but the bulk reports of engines."""
    names = _root_fields(document)
    return bool(names) and names <= rules.REPORT_MUTATIONS


def is_registration(document: str) -> bool:
    """Whether a document registers an agent."""
    return rules.REGISTRATION in document and rules.REGISTRATION in _root_fields(document)


def _root_fields(document: str) -> set[str]:
    """Return the fields that a document selects directly; a fragment counts as one without name."""
    try:
        tree = parse_cached(document)
    except (GraphQLSyntaxError, RecursionError):
        return set()
    return {
        selection.name.value if isinstance(selection, FieldNode) else ""
        for definition in tree.definitions
        if isinstance(definition, OperationDefinitionNode)
        for selection in definition.selection_set.selections
    }


class Limited:
    """What the limits know of an operation's context; a context inherits it.

    A class and no protocol: each operation asks several times whether its context is one.
    """

    __slots__ = ()

    principal: Principal
    origin: Origin
    charge: Charge | None
    operation: str
    is_stream: bool
    root_fields: tuple[str, ...]
    cost: int
    loaders: Loaders

    @property
    def meter(self) -> Meter:
        """What charges it."""
        raise NotImplementedError

    @property
    def database(self) -> Database:
        """What writes down what support does."""
        raise NotImplementedError


class OperationLimits(SchemaExtension):
    """Parses, checks and times each operation."""

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options = {"max_tokens": rules.MAX_TOKENS}
        self.long_poll = False
        self.introspects: introspection.Asked | None = None
        self.cost = 1
        yield

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        try:
            context.graphql_document = parse_cached(context.query or "")
        except (GraphQLSyntaxError, RecursionError):
            context.graphql_document = None  # parsed once more where the error is handled
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        errors = self.check()
        # A document that is refused for its shape costs a point: reading it was work, too.
        refused = await self.charge(1 if errors else self.cost)
        self.execution_context.pre_execution_errors = refused or errors
        if not (refused or errors):
            await self.bear_witness()
        yield

    async def bear_witness(self) -> None:
        """Write down what support is about to read or do, before it does."""
        caller = self.execution_context.context
        if isinstance(caller, Limited) and caller.principal.support_grant_id is not None:
            await witness(
                caller.database,
                caller.principal,
                origin=caller.origin,
                root_fields=caller.root_fields,
                objects=named_objects(
                    self.execution_context.query or "", self.execution_context.variables
                ),
            )

    async def charge(self, cost: int) -> list[GraphQLError]:
        """Charge the operation to its caller; return why it may not run now, empty if it may."""
        caller = self.execution_context.context
        if not isinstance(caller, Limited):
            return []
        caller.cost = cost
        caller.charge = await caller.meter.charge(caller.principal, cost)
        spent, refused = caller.charge.quota, caller.charge.refused
        if spent or refused:
            # Who asks again at once has to wait for the answer.
            await asyncio.sleep(REFUSED_SECONDS)
        if spent is not None:
            return [quota_refusal(caller.charge, spent, now=SystemClock().now())]
        return [] if refused is None else [refusal(caller.charge, refused)]

    async def on_execute(self) -> AsyncIterator[None]:
        seconds = (
            rules.LONG_POLL_TIMEOUT_SECONDS if self.long_poll else rules.OPERATION_TIMEOUT_SECONDS
        )
        try:
            async with asyncio.timeout(seconds), self.turn():
                if self.introspects is not None:
                    await self.introspect(self.introspects)
                yield
        finally:
            await self.charge_listed()

    async def charge_listed(self) -> None:
        """Charge what lists held beyond what the operation was charged for."""
        caller = self.execution_context.context
        if isinstance(caller, Limited) and caller.loaders.listed:
            await caller.meter.charge_late(caller.principal, caller.loaders.listed)

    async def introspect(self, asked: introspection.Asked) -> None:
        """Answer from what is at hand, or from a thread: the event loop is not held for it."""
        self.execution_context.result = await introspection.answers.answer(
            asked, variables=self.execution_context.variables or {}
        )

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Let the caller's organization have its share of this replica, and no more of it.

        Agents and runs do not wait: leases are renewed in time whatever else is asked.
        """
        caller = self.execution_context.context
        if (
            self.long_poll
            or not isinstance(caller, Limited)
            or caller.is_stream
            or caller.principal.actor.kind in REPORTERS
        ):
            return nullcontext()
        return caller.meter.shares.turn(caller.principal.organization_id)

    def check(self) -> list[GraphQLError]:
        """Return why the operation may not run; empty if it may."""
        context = self.execution_context
        document = context.graphql_document
        if document is None:
            return []
        schema = context.schema._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way
        checked = check_cached(schema, document)
        if checked.errors:
            return list(checked.errors)
        if not context._provided_operation_name and len(checked.operations) > 1:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the public name is never empty
            return [bad_request("The document holds several operations; name one.")]
        found = _selected(checked.operations, context.operation_name)
        self.name_operation(found)
        self.long_poll = set(found.root_fields) <= rules.LONG_POLL_MUTATIONS
        if found.is_sized:
            sized = measure(schema, document, variables=context.variables or {})
            found = _selected(sized, context.operation_name)
        self.cost = found.cost
        if found.is_introspection:
            self.introspects = introspection.Asked(schema, document, found.name)
            if introspection.answers.has(self.introspects):
                self.cost = 1
        over = check_cost(found) or check_variables(
            schema,
            document,
            name=found.name,
            root_fields=frozenset(found.root_fields),
            values=context.variables or {},
        )
        return [over] if over else []

    def name_operation(self, found: OperationMeasure) -> None:
        """Tell the context what runs: a root field of the schema, so that names are few."""
        caller = self.execution_context.context
        if isinstance(caller, Limited):
            names = set(found.root_fields)
            caller.root_fields = tuple(sorted(names))
            caller.operation = next(iter(names)) if len(names) == 1 else SEVERAL
            caller.is_stream = found.type is OperationType.SUBSCRIPTION


def _selected(operations: Sequence[OperationMeasure], name: str | None) -> OperationMeasure:
    return next((found for found in operations if found.name == name), operations[0])


def _refuse_depth(found: OperationMeasure | None) -> GraphQLError:
    if found is not None and found.depth <= rules.MAX_DEPTH:
        return refuse(
            "introspection depth",
            what=f"The introspection is {found.introspection_depth} levels deep.",
            limit=rules.MAX_INTROSPECTION_DEPTH,
            actual=found.introspection_depth,
        )
    return refuse(
        "depth",
        what="The operation is nested too deeply; split it.",
        limit=rules.MAX_DEPTH,
        actual=found.depth if found else None,
    )
