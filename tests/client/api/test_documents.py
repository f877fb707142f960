"""Documents: one operation each, with the fragments it needs and no others."""

import re

from graphql import OperationDefinitionNode, parse

from headgate.api.documents import document, nouns, operation_names


def test_every_document_parses_and_holds_its_one_operation() -> None:
    for noun in nouns():
        for name in operation_names(noun):
            definitions = parse(document(noun, name)).definitions
            operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
            assert [o.name.value for o in operations if o.name] == [name]


def test_every_fragment_that_is_sent_is_used() -> None:
    for noun in nouns():
        for name in operation_names(noun):
            text = document(noun, name)
            defined = set(re.findall(r"^fragment (\w+)", text, re.MULTILINE))
            spread = set(re.findall(r"\.\.\.\s*(?!on\b)(\w+)", text))
            assert defined == spread


def test_every_mutation_asks_for_its_errors() -> None:
    for noun in nouns():
        for name in operation_names(noun):
            text = document(noun, name)
            if text.startswith("mutation"):
                assert "errors { ...Refusal }" in text
