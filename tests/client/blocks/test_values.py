"""Secrets of blocks where the class and the values disagree: each is found, at the place it has."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    Field,
    RootModel,
    Secret,
    SecretBytes,
    SecretStr,
    ValidationError,
    computed_field,
    model_serializer,
)

from headgate.blocks import values
from headgate.blocks.core import TYPE_KEY, Block
from headgate.blocks.external import SecretReference

PLAIN = "s3cret"


class Tree(BaseModel):
    password: SecretStr
    inner: "Tree | None" = None


class Loose(BaseModel, extra="allow"):
    options: dict[str, Any] = {}
    anything: Any = None


class Base(BaseModel):
    host: str


class Sub(Base):
    token: SecretStr


class Holder(BaseModel):
    base: Base


class Aliased(BaseModel, populate_by_name=True):
    shown: SecretStr = Field(serialization_alias="SHOWN")
    read: SecretStr = Field(alias="READ")
    plain: str = Field(default="p", serialization_alias="PLAIN")
    either: SecretStr = Field(validation_alias=AliasChoices("first", "second"))


class Root(RootModel[SecretStr]):
    """A secret and nothing else."""


class Rooted(BaseModel):
    root: Root


@dataclass
class Record:
    secret: SecretStr
    name: str = "n"


class Derived(BaseModel):
    password: SecretStr

    @computed_field
    @property
    def url(self) -> str:
        return f"db://{self.password.get_secret_value()}"


class Serialized(BaseModel):
    password: SecretStr

    @model_serializer
    def tell(self) -> dict[str, Any]:
        return {"told": self.password.get_secret_value()}


def secret(text: str = PLAIN) -> SecretStr:
    return SecretStr(text)


EXPOSED: list[tuple[BaseModel, set[tuple[str, ...]], dict[str, Any]]] = [
    (
        Tree(password=secret(), inner=Tree(password=secret())),
        {("password",), ("inner", "password")},
        {"password": PLAIN, "inner": {"password": PLAIN, "inner": None}},
    ),
    (
        Loose.model_validate({"token": secret(), "a.b": {"c": Secret[Any]({"d": secret()})}}),
        {("token",), ("a.b", "c")},
        {"token": PLAIN, "a.b": {"c": {"d": PLAIN}}, "options": {}, "anything": None},
    ),
    (
        Loose(options={"x": [secret(), "y"]}, anything=deque([SecretBytes(b"s3cret")])),
        {("options", "x", "*"), ("anything", "*")},
        {"options": {"x": [PLAIN, "y"]}, "anything": [PLAIN]},
    ),
    (
        Loose(anything=SecretReference.env("X")),
        {("anything",)},
        {"options": {}, "anything": {"$secret": {"provider": "env", "name": "X"}}},
    ),
    (
        Loose(anything=Record(secret())),
        {("anything", "secret")},
        {"options": {}, "anything": {"secret": PLAIN, "name": "n"}},
    ),
    (
        Holder(base=Sub(host="h", token=secret())),
        {("base", "token")},
        {"base": {"host": "h", "token": PLAIN}},
    ),
    (
        Aliased.model_validate({"shown": secret(), "READ": secret(), "first": secret()}),
        {("shown",), ("READ",), ("first",)},
        {"shown": PLAIN, "READ": PLAIN, "plain": "p", "first": PLAIN},
    ),
    (Rooted(root=Root(secret())), {("root",)}, {"root": PLAIN}),
    (Derived(password=secret()), {("password",)}, {"password": PLAIN}),
    (Serialized(password=secret()), {("password",)}, {"password": PLAIN}),
]


@pytest.mark.parametrize(("model", "places", "data"), EXPOSED)
def test_every_secret_is_found_where_it_stands(
    model: BaseModel, places: set[tuple[str, ...]], data: dict[str, Any]
) -> None:
    exposure = values.Exposure()

    assert exposure.fields(model) == data
    assert exposure.secrets == places
    assert values.holds_secrets(model)
    reread = values.Exposure()
    assert reread.fields(type(model).model_validate(data)).keys() == data.keys()


@pytest.mark.parametrize(
    ("model", "further"),
    [
        (EXPOSED[0][0], ["inner.password"]),
        (EXPOSED[1][0], ["a\\.b.c", "token"]),
        (EXPOSED[2][0], ["anything.*", "options.x.*"]),
        (EXPOSED[5][0], ["base.token"]),
        (EXPOSED[6][0], []),
        (EXPOSED[7][0], []),
    ],
)
def test_what_the_class_does_not_say_is_told_beside_it(
    model: BaseModel, further: list[str]
) -> None:
    exposure = values.Exposure()
    exposure.fields(model)

    assert values.further_paths(values.secret_paths(type(model)), exposure.secrets) == further


class Streaming(BaseModel):
    tokens: Iterable[SecretStr]


@pytest.mark.parametrize(
    "model",
    [
        Streaming(tokens=[SecretStr(PLAIN)]),
        Loose(anything=(SecretStr(PLAIN) for _ in range(1))),
        Loose(options={"a": [iter([SecretStr(PLAIN)])]}),
    ],
)
def test_what_can_be_gone_through_once_is_refused_and_not_masked(model: BaseModel) -> None:
    with pytest.raises(ValueError, match="name a list instead"):
        values.Exposure().fields(model)


def test_value_that_does_not_fit_a_block_is_not_told() -> None:
    class Login(Block):
        password: SecretStr

    with pytest.raises(ValidationError) as refused:
        Login.model_validate({"password": {"value": PLAIN}})

    assert PLAIN not in str(refused.value)


def test_class_reads_its_own_type_though_another_came_after_it() -> None:
    class Twin(Block):
        own: int

    class Later(Block):
        _block_type_slug: ClassVar[str | None] = "twin"
        other: int

    assert type(Twin.model_validate({TYPE_KEY: "twin", "own": 1})) is Twin
    assert type(Block.model_validate({TYPE_KEY: "twin", "other": 1})) is Later
