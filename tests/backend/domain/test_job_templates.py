"""Templates of pools: whose job variables count, what is fixed, and what is refused."""

from typing import Any

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.job_templates import check_given, check_template, make_job_variables
from headgate_server.domain.templates import MAX_WRITTEN_LENGTH


def declaring(configuration: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    variables = {"type": "object", "properties": properties}
    return {"variables": variables, "job_configuration": configuration or {}}


def made(template: Any, *, deployment: Any = None, run: Any = None) -> dict[str, Any]:
    found = make_job_variables(template, deployment=deployment, run=run)
    assert found.refused is None
    return found.values


def test_a_run_is_over_its_deployment_over_its_pool_and_environments_are_laid_together() -> None:
    template = declaring(
        python={"default": "3.11"},
        requirements={"default": ["pandas"]},
        region={"type": "string", "default": None},
        env={"default": {"POOL": "pool", "BOTH": "pool", "ALL": "pool"}},
    )

    values = made(
        template,
        deployment={"python": "3.12", "env": {"BOTH": "deployment", "ALL": "deployment"}},
        run={"python": "3.13", "env": {"ALL": "run", "RUN": "run"}},
    )

    assert values == {
        "python": "3.13",
        "requirements": ["pandas"],
        "env": {"POOL": "pool", "BOTH": "deployment", "ALL": "run", "RUN": "run"},
    }


def test_null_takes_away_what_is_below() -> None:
    template = declaring(env={"default": {"A": "1"}}, python={"default": "3.11"})

    assert made(template, run={"env": None, "python": None}) == {"env": None, "python": None}


def test_what_the_pool_says_itself_is_over_all_but_the_names_of_the_environment() -> None:
    configuration = {
        "python": "3.12",
        "virtual_environment": "{{ folder }}",
        "image": "registry/{{ team }}:{{tag}}",
        "labels": ["fixed", "{{ team }}", "{{ folder }}"],
        "env": {"REGION": "eu", "TEAM": "{{ team }}", "NONE": "{{ folder }}"},
    }
    template = declaring(configuration, team={"default": "data"}, tag={}, folder={}, python={})

    values = made(
        template,
        deployment={"python": "3.9", "env": {"REGION": "us", "OWN": "1"}},
        run={"team": "ml"},
    )

    assert values == {
        "python": "3.12",
        "image": "registry/ml:",
        "labels": ["fixed", "ml"],
        "env": {"REGION": "us", "TEAM": "ml", "OWN": "1"},
        "team": "ml",
    }


def test_a_whole_placeholder_takes_the_type_of_its_value() -> None:
    template = declaring({"env": "{{ env }}", "size": "{{ size }}"}, env={}, size={"default": 3})

    assert made(template, run={"env": {"A": "1"}}) == {"env": {"A": "1"}, "size": 3}


def test_templates_of_variables_and_blocks_stay_for_who_fills_them_in() -> None:
    default = {"A": "{{ variables.region }}", "B": "{{ blocks.secret.token }}"}
    template = declaring({"url": "{{ blocks.secret.token }}@{{ host }}"}, env={"default": default},
                         host={"default": "{{ variables.host }}"})  # fmt: skip

    values = made(template)

    assert values["env"] == default
    assert values["url"] == "{{ blocks.secret.token }}@{{ variables.host }}"


def test_values_put_no_name_of_a_block_together() -> None:
    url = "https://elsewhere/?{{ a }}.{{ b }}"
    nested = "{{ blocks.secret.{{ b }} }}"
    template = declaring({"url": url, "nested": nested}, a={}, b={})

    values = made(template, run={"a": "{{ blocks.secret", "b": "token }}"})
    harmless = made(template, run={"a": "x", "b": "token"})

    assert (values["url"], values["nested"]) == (url, nested)
    assert (harmless["url"], harmless["nested"]) == ("https://elsewhere/?x.token", nested)


def test_few_placeholders_of_much_are_not_placed() -> None:
    template = declaring({"all": ["{{ much }}"] * 3}, much={})

    found = make_job_variables(template, deployment=None, run={"much": "x" * 400_000})

    assert found.values == {"much": "x" * 400_000}
    assert found.refused is not None
    assert "1,200,000 characters in the template of the work pool" in found.refused
    assert MAX_WRITTEN_LENGTH < 1_200_000


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {},
        {"env": {"A": "1"}},
        {"variables": {"image": "registry.example/pool:1.42"}},
        {"variables": {"properties": {"a": "text", "b": None, "c": {"default": None}}}},
        {"variables": ["env"], "job_configuration": "none"},
        {"variables": {"properties": ["a"]}},
        {"variables": None, "job_configuration": None},
    ],
)
def test_what_was_stored_in_another_shape_says_nothing(stored: Any) -> None:
    assert made(stored, deployment={"a": 1}, run={"b": 2}) == {"a": 1, "b": 2}
    check_given({"image": 1, "a": 2}, template=stored)


def test_a_stored_environment_that_no_process_has_is_left_out() -> None:
    bad: dict[str, Any] = {"A=B": "x", "NULL": None, "DEEP": {}, "OK": 1}
    template = declaring({"env": {**bad, "FIXED": "y"}}, env={"default": bad})

    assert made(template)["env"] == {"OK": 1, "FIXED": "y"}
    assert made(declaring({"env": "{{ x }}"}, x={}, env={"default": "A"}), run={"x": 1}) == {
        "x": 1,
        "env": {},
    }


@pytest.mark.parametrize(
    ("template", "path", "said"),
    [
        ({"env": {"A": "1"}}, [], "'env' is not a part of it"),
        ({"variables": []}, ["variables"], "variables is an object"),
        ({"job_configuration": "x"}, ["job_configuration"], "job_configuration is an object"),
        ({"variables": {"image": "x"}}, ["variables"], "a JSON Schema of an object"),
        ({"variables": {"type": "array", "properties": {}}}, ["variables"], "of an object"),
        (declaring(image="x"), ["variables", "properties", "image"], "'image' is declared by"),
        (declaring(image={"type": "spaceship"}), ["variables"], "is not a JSON Schema"),
        (declaring(a={"$ref": "#/$defs/none"}), ["variables"], "which it does not hold"),
        (
            declaring(size={"type": "integer", "default": "big"}),
            ["variables", "properties", "size", "default"],
            "'big' is not of type 'integer'",
        ),
        (
            declaring(env={"default": {"A=B": "1"}}),
            ["variables", "properties", "env", "default"],
            "no name of an environment variable",
        ),
        (declaring({"env": {"A": None}}), ["job_configuration"], "The variable A is a text"),
        (declaring({"env": "text"}), ["job_configuration"], "env is an object"),
        (
            declaring({"image": "{{ imgae }}"}, image={}),
            ["job_configuration"],
            "names {{ imgae }}, which variables.properties does not declare",
        ),
    ],
)
def test_what_no_job_could_be_made_of_is_refused_at_its_place(
    template: dict[str, Any], path: list[str], said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_template(template)

    assert refused.value.path == ("baseJobTemplate", *path)
    assert said in refused.value.message


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"variables": {}, "job_configuration": {}},
        declaring(size={"type": "integer", "default": "{{ variables.size }}"}),
        declaring({"env": "{{ env }}", "a": "{{ variables.b }}"}, env={"type": "object"}),
        {
            "job_configuration": {
                "command": "{{ command }}",
                "env": "{{ env }}",
                "labels": "{{ labels }}",
                "name": "{{ name }}",
                "stream_output": "{{ stream_output }}",
                "working_dir": "{{ working_dir }}",
            },
            "variables": {
                "type": "object",
                "properties": {
                    "name": {"title": "Name", "type": "string"},
                    "env": {
                        "title": "Environment Variables",
                        "type": "object",
                        "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    },
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "command": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                    "stream_output": {"type": "boolean", "default": True},
                    "working_dir": {"anyOf": [{"type": "string", "format": "path"}]},
                },
            },
        },
    ],
)
def test_what_a_job_can_be_made_of_is_taken(template: dict[str, Any]) -> None:
    check_template(template)


SIZED = declaring(size={"type": "integer", "maximum": 5}, env={"type": "object"})
SIZED["variables"] |= {"required": ["size"], "minProperties": 2}
NAMES = {"type": "object", "additionalProperties": {"type": "string"}}
CLOSED = {"variables": {**SIZED["variables"], "additionalProperties": False}}


def test_a_template_of_very_many_placeholders_is_refused_and_one_stored_before_says_nothing() -> (
    None
):
    many = declaring({"cluster": "{{ a }}" * 1_001}, a={"default": "x"})

    with pytest.raises(InvalidInput, match="1,001 times; 1,000 at most") as refused:
        check_template(many)

    assert refused.value.path == ("baseJobTemplate", "job_configuration")
    assert made(many) == {"a": "x"}


def test_given_variables_are_refused_as_far_as_they_are_declared() -> None:
    check_given(None, template=SIZED)
    check_given({"other": 1, "size": "{{ variables.size }}"}, template=SIZED)
    check_given({"env": {}}, template=CLOSED)

    with pytest.raises(InvalidInput) as large:
        check_given({"size": 6}, template=SIZED)
    with pytest.raises(InvalidInput) as other:
        check_given({"other": 1}, template=CLOSED)

    assert large.value.path == ("jobVariables", "size")
    assert "6 is greater than the maximum of 5" in large.value.message
    assert other.value.path == ("jobVariables",)
    assert "'other' was unexpected" in other.value.message


def test_variables_that_an_expression_declares_may_be_given() -> None:
    labelled = {"^label_": {"type": "string"}}
    template = {"variables": {**CLOSED["variables"], "patternProperties": labelled}}

    check_given({"label_team": "data", "size": 5}, template=template)
    with pytest.raises(InvalidInput):
        check_given({"label_team": "data", "size": 6}, template=template)


def test_null_is_given_for_what_a_layer_below_says_and_for_nothing_else() -> None:
    open_ = {"variables": {**SIZED["variables"], "additionalProperties": {"type": "string"}}}

    for template in (SIZED, open_, CLOSED):
        check_given({"size": None, "env": None}, template=template)
    check_given({"other": None}, template=open_)
    with pytest.raises(InvalidInput, match="'other' was unexpected"):
        check_given({"other": None}, template=CLOSED)
    with pytest.raises(InvalidInput, match="None is not of type"):
        check_given({"env": {"A": None}}, template=declaring(env=NAMES))
