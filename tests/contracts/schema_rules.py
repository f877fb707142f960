"""The house rules of the GraphQL schema, read from its SDL: each returns its violations."""

from collections.abc import Iterable, Iterator

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    build_schema,
    find_breaking_changes,
    parse,
    validate,
)

ROOTS = frozenset({"Query", "Mutation", "Subscription"})


def root_fields_without_scope(sdl: str) -> list[str]:
    """Name the root fields that do not declare with ``@scope`` who may use them."""
    return [
        f"{type_name}.{field.name.value} has no @scope"
        for type_name, field in _fields(parse(sdl))
        if type_name in ROOTS
        and isinstance(field, FieldDefinitionNode)
        and not any(directive.name.value == "scope" for directive in field.directives or ())
    ]


def undescribed(sdl: str) -> list[str]:
    """Name the fields, input fields and arguments without a description."""
    found: list[str] = []
    for type_name, field in _fields(parse(sdl)):
        name = f"{type_name}.{field.name.value}"
        if not _is_described(field):
            found.append(f"{name} has no description")
        if isinstance(field, FieldDefinitionNode):
            found += [
                f"{name}({argument.name.value}) has no description"
                for argument in field.arguments or ()
                if not _is_described(argument)
            ]
    return found


def breaking_changes(*, released: str, current: str) -> list[str]:
    """Name what a client of the released schema would miss in the current one."""
    changes = find_breaking_changes(build_schema(released), build_schema(current))
    return [change.description for change in changes]


def invalid_operations(sdl: str, *, documents: Iterable[str]) -> list[str]:
    """Say what a client's documents, taken together, ask for that the schema does not have."""
    errors = validate(build_schema(sdl), parse("\n".join(documents)))
    return [error.message for error in errors]


def _is_described(node: FieldDefinitionNode | InputValueDefinitionNode) -> bool:
    return node.description is not None and bool(node.description.value.strip())


def _fields(
    document: DocumentNode,
) -> Iterator[tuple[str, FieldDefinitionNode | InputValueDefinitionNode]]:
    kinds = (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode, InputObjectTypeDefinitionNode)
    for definition in document.definitions:
        if isinstance(definition, kinds):
            for field in definition.fields or ():
                yield definition.name.value, field
