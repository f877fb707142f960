"""Blocks: types, documents and classes, as they are saved to a real server and loaded from it."""

from typing import Any, ClassVar

import pytest
from pydantic import Field, SecretStr

from headgate import flow, task
from headgate.blocks.core import Block
from headgate.blocks.fields import SecretDict
from headgate.blocks.system import Secret
from headgate.client import SyncClient
from headgate.errors import (
    BadRequestError,
    BlockDoesNotFitError,
    BlockError,
    ConflictError,
    NotFoundError,
    SecretsOutsideRunError,
    UnknownBlockTypeError,
)

pytestmark = pytest.mark.e2e


class Cube(Block):
    """A cube of some length."""

    edge: float

    def volume(self) -> float:
        """Return what is in it."""
        return self.edge**3


class Login(Block):
    """Who signs in."""

    user: str
    password: SecretStr


class Warehouse(Block):
    """Where to sign in."""

    _block_type_name: ClassVar[str | None] = "Conformance Warehouse"

    login: Login
    headers: SecretDict = Field(default={})


def stored(client: SyncClient, name: str, slug: str = "cube") -> dict[str, Any]:
    return client.read_block_document_by_name(name, slug).data


def test_saving_a_block_registers_its_type(client: SyncClient, own_name: str) -> None:
    class Brick(Block):
        weight: int = 1

    Brick().save(own_name)

    assert stored(client, own_name, "brick") == {"weight": 1}


def test_a_block_is_loaded_as_its_class(client: SyncClient, own_name: str) -> None:
    Cube(edge=2.0).save(own_name)

    assert Cube.load(own_name).volume() == 8.0


def test_a_block_is_loaded_by_its_type_and_name(client: SyncClient, own_name: str) -> None:
    Cube(edge=2.0).save(own_name)

    assert isinstance(Block.load(f"cube/{own_name}"), Cube)


def test_many_documents_are_of_one_type(client: SyncClient, own_name: str) -> None:
    for number in (1, 2):
        Cube(edge=number).save(f"{own_name}-{number}")

    assert [Cube.load(f"{own_name}-{number}").edge for number in (1, 2)] == [1, 2]


def test_a_block_is_not_replaced_by_mistake(client: SyncClient, own_name: str) -> None:
    Cube(edge=1).save(own_name)

    with pytest.raises(ConflictError, match="overwrite=True"):
        Cube(edge=2).save(own_name)
    assert stored(client, own_name) == {"edge": 1}


def test_a_block_is_replaced_on_purpose(client: SyncClient, own_name: str) -> None:
    Cube(edge=1).save(own_name)
    Cube(edge=2).save(own_name, overwrite=True)

    assert stored(client, own_name) == {"edge": 2}


def test_a_block_that_was_loaded_keeps_its_name(client: SyncClient, own_name: str) -> None:
    Cube(edge=1).save(own_name)
    loaded = Cube.load(own_name)
    loaded.edge = 3
    loaded.save(overwrite=True)

    assert stored(client, own_name) == {"edge": 3}


def test_a_block_without_a_name_is_not_saved(client: SyncClient) -> None:
    with pytest.raises(BlockError, match="under which name"):
        Cube(edge=1).save()


def test_a_block_that_is_deleted_is_gone(client: SyncClient, own_name: str) -> None:
    Cube(edge=1).save(own_name)
    Cube.delete(own_name)

    with pytest.raises(NotFoundError):
        Cube.load(own_name)


def test_a_name_of_a_block_has_a_form(client: SyncClient) -> None:
    with pytest.raises(BadRequestError, match="lower-case letters"):
        Cube(edge=1).save("a name/with a slash")


def test_a_slug_follows_from_the_class() -> None:
    class TwoWords(Block): ...

    class Named(Block):
        _block_type_name: ClassVar[str | None] = "My Own Type"

    slugs = [one.get_block_type_slug() for one in (Cube, TwoWords, Named)]
    assert slugs == ["cube", "twowords", "my-own-type"]


def test_a_type_is_registered_without_documents(client: SyncClient, own_name: str) -> None:
    class Empty(Block):
        number: int

    first = Empty.register_type_and_schema()

    assert Empty.register_type_and_schema() == first


def test_secrets_are_masked_where_a_block_is_shown() -> None:
    block = Login(user="u", password=SecretStr("s3cret"))

    assert "s3cret" not in repr(block) + str(block)


def test_secrets_are_not_told_outside_of_a_run(client: SyncClient, own_name: str) -> None:
    Login(user="u", password=SecretStr("s3cret")).save(own_name)

    with pytest.raises(SecretsOutsideRunError, match="inside of a flow"):
        Login.load(own_name)
    assert "s3cret" not in str(stored(client, own_name, "login"))


def test_a_run_reads_secrets(client: SyncClient, own_name: str) -> None:
    Login(user="u", password=SecretStr("s3cret")).save(own_name)
    Secret.model_validate({"value": "t0ken"}).save(own_name)

    @task
    def read() -> str:
        return Login.load(own_name).password.get_secret_value()

    @flow
    def parent() -> list[str]:
        return [read(), Secret.load(own_name).get()]

    assert parent() == ["s3cret", "t0ken"]


def test_a_secret_may_say_of_what_type_its_value_is(client: SyncClient, own_name: str) -> None:
    class Holder(Block):
        token: Secret[str]

    Secret[str].model_validate({"value": "t0ken"}).save(own_name)
    Holder(token=Secret[str].model_validate({"value": "u"})).save(own_name)

    @flow
    def parent() -> list[Any]:
        bare, typed = Block.load(f"secret/{own_name}"), Secret[str].load(own_name)
        with pytest.raises(BlockDoesNotFitError):
            Secret[int].load(own_name)
        return [bare.get(), typed.get(), Holder.load(own_name).token.get(), type(bare)]

    assert parent() == ["t0ken", "t0ken", "u", Secret]
    assert Secret[str].registered_type() == Secret.registered_type()


def test_a_secret_holds_any_json_value(client: SyncClient, own_name: str) -> None:
    Secret.model_validate({"value": {"a": [1, None]}}).save(own_name)

    @flow
    def parent() -> Any:
        return Secret.load(own_name).get()

    assert parent() == {"a": [1, None]}


def test_blocks_are_inside_of_blocks(client: SyncClient, own_name: str) -> None:
    inside = Login(user="u", password=SecretStr("s3cret"))
    Warehouse.model_validate({"login": inside, "headers": {"key": "s3cret too"}}).save(own_name)

    @flow
    def parent() -> list[Any]:
        house = Warehouse.load(own_name)
        secrets = (house.login.password, house.headers["key"])
        return [type(house.login), *(one.get_secret_value() for one in secrets)]

    assert parent() == [Login, "s3cret", "s3cret too"]


def test_a_block_inside_that_was_saved_is_referred_to(client: SyncClient, own_name: str) -> None:
    inside = Login(user="u", password=SecretStr("s3cret-before"))
    inside.save(own_name)
    Warehouse(login=inside).save(own_name)
    Login(user="u", password=SecretStr("s3cret-after")).save(own_name, overwrite=True)

    @flow
    def parent() -> str:
        return Warehouse.load(own_name).login.password.get_secret_value()

    assert parent() == "s3cret-after"


def test_a_field_with_a_default_is_filled_in(client: SyncClient, own_name: str) -> None:
    class Grown(Block):
        first: int

    Grown(first=1).save(own_name)

    class Grown2(Block):
        _block_type_slug: ClassVar[str | None] = "grown"
        first: int
        second: str = "new"

    assert Grown2.load(own_name).second == "new"


def test_a_field_without_a_default_has_to_be_filled_in_again(
    client: SyncClient, own_name: str
) -> None:
    class Changed(Block):
        first: int

    Changed(first=1).save(own_name)

    class Changed2(Block):
        _block_type_slug: ClassVar[str | None] = "changed"
        second: str

    with pytest.raises(BlockDoesNotFitError, match="second: missing"):
        Changed2.load(own_name)


def test_a_type_without_a_class_is_named(client: SyncClient) -> None:
    with pytest.raises(UnknownBlockTypeError, match="import the module"):
        Block.load("of-nobody/x")


async def test_blocks_are_awaited_in_a_coroutine(client: SyncClient, own_name: str) -> None:
    await Cube(edge=2).asave(own_name)
    first, second = await Cube.load(own_name), await Cube.aload(own_name)
    await Cube.adelete(own_name)

    assert (first.edge, second.edge) == (2, 2)
