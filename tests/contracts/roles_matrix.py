"""Which built-in role may use which field, as the schema declares it.

``python -m tests.contracts.roles_matrix`` prints the table that ``roles_matrix.txt`` holds: a
change of it is a change of somebody's rights, to be read line by line. A role that is not named
is denied.
"""

import sys
from collections.abc import Iterator

from graphql import FieldDefinitionNode, ListValueNode, ObjectTypeDefinitionNode, parse
from graphql.language.ast import EnumValueNode

from headgate_server.domain.permissions import BUILTIN_ROLES, Scope
from tests.fixtures.repository import ROOT

MATRIX = ROOT / "tests/contracts/roles_matrix.txt"
SCHEMA = ROOT / "backend/schema.graphql"
ANYONE = "any credential"


def requirements(sdl: str) -> Iterator[tuple[str, frozenset[Scope]]]:
    """Yield each field that declares ``@scope``, with the scopes that it needs."""
    for definition in parse(sdl).definitions:
        if not isinstance(definition, ObjectTypeDefinitionNode):
            continue
        for field in definition.fields or ():
            needed = _needed(field)
            if needed is not None:
                yield f"{definition.name.value}.{field.name.value}", needed


def _needed(field: FieldDefinitionNode) -> frozenset[Scope] | None:
    for directive in field.directives or ():
        if directive.name.value == "scope":
            (value,) = [argument.value for argument in directive.arguments or ()]
            values = value.values if isinstance(value, ListValueNode) else ()
            return frozenset(Scope(one.value) for one in values if isinstance(one, EnumValueNode))
    return None


def allowed(needed: frozenset[Scope]) -> list[str]:
    """Return the built-in roles that hold all of some scopes, the most powerful first."""
    return [role.value for role, held in BUILTIN_ROLES.items() if needed <= held]


def table(sdl: str) -> str:
    """Return the matrix: a line for each field, with its scopes and the roles that hold them."""
    lines: list[str] = []
    for field, needed in sorted(requirements(sdl)):
        if needed:
            who = " ".join(allowed(needed)) or "nobody"
            lines.append(f"{field:<44} {' '.join(sorted(needed)):<16} {who}")
        elif field.startswith(("Mutation.", "Query.", "Subscription.")):
            lines.append(f"{field:<44} {ANYONE}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(SCHEMA.read_text()))
