"""Operations made from the schema, by every role: whatever is sent, nothing fails unexpectedly.

Ids are the estate's own as often as not, so that operations reach what they are about. ``COUNT=n``
makes so many for each role and tells how far it is, ``SEED=n`` makes others, and ``MINUTES=n`` is
how long a role may take: what is not done by then has failed.
"""

import os
import random
import sys
import time
import warnings
from collections.abc import Iterable
from math import ceil
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    ObjectFieldNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    Visitor,
    build_schema,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisDeprecationWarning
from hypothesis_graphql import from_schema, nodes

from headgate_server.domain.permissions import BuiltinRole
from tests.contracts.roles_matrix import SCHEMA
from tests.factories.estates import Estate
from tests.factories.members import everywhere, make_member, make_member_token
from tests.fixtures.api import Answer, ApiClient
from tests.fixtures.installations import PEPPER, Installation

COUNT = int(os.environ.get("COUNT", "300"))
SEED = int(os.environ.get("SEED", "20261128"))
MINUTES = float(os.environ.get("MINUTES", "10"))
LONGEST_SECONDS = 5.0
TOLD_EVERY_SECONDS = 10.0
CI_COUNT = 300
"""More than these are asked for by somebody who waits for them."""

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300 + MINUTES * 60)]
NAMES: tuple[str, ...] = (
    "type",
    "properties",
    "items",
    "allOf",
    "anyOf",
    "writeOnly",
    "required",
    "token",
    "a",
)
"""Keywords of JSON Schema, and fields: what is sent is a value as often as a schema."""


def _object(fields: dict[str, ValueNode]) -> ValueNode:
    named = [ObjectFieldNode(name=NameNode(value=name), value=fields[name]) for name in fields]
    return nodes.Object(named)


PLAIN = st.one_of(
    st.text(max_size=20).map(nodes.String),
    st.integers(-(2**31), 2**31 - 1).map(nodes.Int),
    st.booleans().map(nodes.Boolean),
    st.sampled_from(["object", "array", "string", "\x00", "\U0001f600"]).map(nodes.String),
)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(nodes.List),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=4).map(_object),
    ),
    max_leaves=8,
)
SCALARS = {
    "Cursor": st.text(max_size=40).map(nodes.String),
    "DateTime": st.sampled_from(["2026-11-28T12:00:00Z", "0001-01-01T00:00:00Z", "now"]).map(
        nodes.String
    ),
    "Duration": st.sampled_from(["PT5S", "P1D", "P99999999D", "-PT1S", "5"]).map(nodes.String),
    "JSON": JSON,
    "Key": st.text(max_size=20).map(nodes.String),
}


class Progress:
    """Tells on the terminal how far something is, now and then."""

    def __init__(self, request: pytest.FixtureRequest, what: str, *, of: int) -> None:
        self._capture: Any = request.config.pluginmanager.getplugin("capturemanager")
        self._what, self._of = what, of
        self._began_at = self._told_at = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began_at

    def note(self, done: int) -> None:
        """Tell that so much is done, unless something was told just now, or nobody waits."""
        now = time.monotonic()
        is_due = done == self._of or now - self._told_at >= TOLD_EVERY_SECONDS
        if COUNT > CI_COUNT and is_due:
            self._told_at = now
            with self._capture.global_and_fixture_disabled():
                told = f"{self._what}: {done:,} of {self._of:,}, {self.seconds:.0f} s"
                sys.stderr.write(f"{told}\n")


@pytest.fixture(scope="module")
def operations(request: pytest.FixtureRequest) -> tuple[GraphQLSchema, list[str]]:
    """The schema, and ``COUNT`` operations or a few more or less: as many of each root field."""
    schema = build_schema(SCHEMA.read_text())
    fields = list(_root_fields(schema))
    each = ceil(COUNT / len(fields))
    progress, made = Progress(request, "operations of fields", of=len(fields)), list[str]()
    for salt, field in enumerate(fields):
        made += _documents(schema, field, count=each, salt=salt)
        progress.note(salt + 1)
    return schema, made


def _documents(schema: GraphQLSchema, field: str, *, count: int, salt: int) -> list[str]:
    """Return operations of one root field; the same for the same seed."""
    made: list[str] = []

    @seed(SEED + salt)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(from_schema(schema, fields=[field], custom_scalars=SCALARS))
    def collect(document: object) -> None:
        made.append(str(document))

    with warnings.catch_warnings():
        # Threads of other tests may draw random numbers meanwhile; what is made hangs on the seed.
        warnings.simplefilter("ignore", HypothesisDeprecationWarning)
        collect()
    return made


class _OwnIds(Visitor):
    """Puts ids of the estate where ids belong, half of the time."""

    def __init__(self, types: TypeInfo, ids: list[str], chance: random.Random) -> None:
        super().__init__()
        self._types: Any = types
        self._ids, self._chance = ids, chance

    def enter_string_value(self, node: StringValueNode, *_: Any) -> Any:
        is_id = str(self._types.get_input_type()).strip("[]!") == "ID"
        if is_id and self._chance.random() < 0.5:
            return StringValueNode(value=self._chance.choice(self._ids))
        return None


def _with_ids(schema: GraphQLSchema, document: str, ids: list[str], chance: random.Random) -> str:
    types = TypeInfo(schema)
    visitor = TypeInfoVisitor(types, _OwnIds(types, ids, chance))
    return print_ast(visit(parse(document), visitor))


def _root_fields(schema: GraphQLSchema) -> Iterable[str]:
    for name in ("Query", "Mutation"):
        type_ = schema.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        yield from type_.fields


def _complaint(answer: Answer, seconds: float) -> str | None:
    if answer.status >= 500 or seconds > LONGEST_SECONDS:
        return f"status {answer.status} after {seconds:.1f} s: {answer.body[:300]!r}"
    errors: list[Any] = answer.json.get("errors") or []
    codes: set[Any] = {error.get("extensions", {}).get("code") for error in errors}
    return f"{codes}: {answer.body[:300]!r}" if codes & {"INTERNAL", None} else None


async def _member(installation: Installation, estate: Estate, role: BuiltinRole) -> ApiClient:
    member = await make_member(installation.database, estate.tenant, everywhere(role))
    token = await make_member_token(installation.database, estate.tenant, member, pepper=PEPPER)
    return installation.holding(token)


@pytest.mark.parametrize("role", list(BuiltinRole))
async def test_generated_operations_never_fail_unexpectedly(
    installation: Installation,
    estate: Estate,
    role: BuiltinRole,
    operations: tuple[GraphQLSchema, list[str]],
    request: pytest.FixtureRequest,
) -> None:
    schema, documents = operations
    progress = Progress(request, f"{role.value}: operations", of=len(documents))
    api = await _member(installation, estate, role)
    chance = random.Random(SEED)  # noqa: S311  no secret
    wrong: list[str] = []
    answered = done = 0
    for made in documents:
        if progress.seconds > MINUTES * 60:
            break
        document = _with_ids(schema, made, list(estate.ids.values()), chance)
        began_at = time.monotonic()
        answer = await api.execute(document)
        answered += bool(answer.json.get("data"))
        if told := _complaint(answer, time.monotonic() - began_at):
            wrong.append(f"{told}\n{document}")
        done += 1
        progress.note(done)

    assert not wrong, f"SEED={SEED}: {len(wrong)} of them, first\n" + "\n".join(wrong[:3])
    assert done == len(documents), f"only {done} of {len(documents)} in {MINUTES:g} minutes"
    assert answered > len(documents) / 4, f"{answered} of {len(documents)} got through: too few"
