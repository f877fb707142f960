"""Blocks of plain values: a secret, and what variables hold today."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic

from pydantic import Field, JsonValue
from pydantic import Secret as SecretValue

from headgate.blocks.core import Block

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")


class Secret(Block, Generic[T]):
    """A secret, such as a token or a password.

    ``Secret.load("github-token").get()`` is its value, inside of a run.
    """

    _block_type_name = "Secret"
    _block_type_slug = "secret"

    value: SecretValue[T] = Field(
        description="Any JSON value, most often a text.",
        json_schema_extra={"writeOnly": True, "format": "password"},
    )

    def get(self) -> T:
        """Return the secret."""
        return self.value.get_secret_value()


class JSON(Block):
    """Any JSON value. A variable holds one as well, and has a history."""

    _block_type_name = "JSON"

    value: JsonValue = Field(description="Any JSON value.")


class String(Block):
    """A text. A variable holds one as well, and has a history."""

    _block_type_name = "String"

    value: str = Field(description="A text.")


class DateTime(Block):
    """A point in time."""

    _block_type_name = "Date Time"

    value: datetime = Field(description="An ISO 8601 date and time.")
