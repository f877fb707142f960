"""Templates of variables and blocks in parameters and job variables."""

import pytest

from headgate_server.domain import templates
from headgate_server.domain.parameters import check_parameters

DOCUMENT = {
    "count": "{{ variables.count }}",
    "path": "s3://{{variables.bucket}}/{{ variables.count }}",
    "list": [{"deep": "{{ variables.options }}"}, 3, None],
    "secret": "{{ blocks.secret.token }}",
    "text": "{ variables.count } {{ variables.Count }} {{ variable.count }}",
}


def test_each_variable_that_is_named_is_found_once() -> None:
    assert templates.list_variables(DOCUMENT) == ["bucket", "count", "options"]


def test_a_whole_template_becomes_the_value_and_a_part_is_written_out() -> None:
    filled = templates.fill(DOCUMENT, {"count": 3, "bucket": "b", "options": {"a": [True]}})

    assert filled == {
        "count": 3,
        "path": "s3://b/3",
        "list": [{"deep": {"a": [True]}}, 3, None],
        "secret": "{{ blocks.secret.token }}",
        "text": DOCUMENT["text"],
    }


def test_what_is_not_known_stays_as_it_is() -> None:
    assert templates.fill(DOCUMENT, {}) == DOCUMENT


def test_a_value_is_not_read_as_a_template_again() -> None:
    values = {"a": "{{ variables.b }}", "b": "never"}

    assert templates.fill("{{ variables.a }}", values) == "{{ variables.b }}"


@pytest.mark.parametrize(
    ("text", "values", "composing"),
    [
        ("{{ variables.a }}.{{ variables.b }}", {"a": "{{ blocks.x", "b": "y }}"}, ["a", "b"]),
        ("{{ blocks.x.{{ variables.a }} }}", {"a": "y"}, ["a"]),
        ("{{variables.a}}{ blocks.x.y }}", {"a": "{"}, ["a"]),
        ("{{ blocks.x.{{ variables.b }}y }}", {"b": ""}, ["b"]),
        ("{{ variables.a }}", {"a": {"deep": ["{{ blocks.x.y }}"]}}, ["a"]),
        ("at {{ variables.a }}", {"a": ["{{ blocks.x.y }}"]}, ["a"]),
        ("{{ blocks.x.y }} {{ variables.a }}", {"a": "{{ blocks.x.z }}"}, ["a"]),
        ("{{ blocks.x.y }} {{ variables.a }}", {"a": "}} {{ blocks."}, []),
    ],
)
def test_values_put_no_name_of_a_block_together(
    text: str, values: dict[str, object], composing: list[str]
) -> None:
    document = {"a": [text], "b": "{{ variables.c }}"}
    values = {**values, "c": 1}

    assert templates.list_composing(document, values) == composing
    filled = templates.fill(document, values)
    assert filled["b"] == 1
    assert (filled["a"] == [text]) is bool(composing)


@pytest.mark.parametrize("text", ["{{ blocks.secret.token }}", "x{{blocks.s3-bucket.a.b}}"])
def test_a_block_that_is_named_is_noticed_at_any_depth(text: str) -> None:
    assert templates.names_blocks({"a": [{"b": text}]})
    assert not templates.names_blocks({"a": ["{{ variables.a }}", "blocks.secret.token"]})


def test_a_template_fits_every_schema_since_only_the_run_knows_its_value() -> None:
    schema = {"properties": {"count": {"type": "integer", "minimum": 1}}}

    check_parameters({"count": "{{ variables.count }}"}, schema=schema)
    check_parameters({"count": "{{ blocks.json.count }}"}, schema=schema)
