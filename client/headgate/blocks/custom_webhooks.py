"""A webhook whose request is written out, with places for what is told and for its secrets."""

import re
from typing import Any, ClassVar, Literal, Self, cast

from pydantic import Field, SecretStr, model_validator

from headgate.api.background import answer
from headgate.blocks.core import Block
from headgate.blocks.values import SecretDict
from headgate.blocks.webhooks import Webhook, send

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_TOLD = frozenset({"name", "subject", "body"})
_DEFAULT_SUBJECT = "Headgate Notification"


class CustomWebhookNotificationBlock(Block):
    """Tells people something by a request of any form.

    ``{{subject}}``, ``{{body}}``, ``{{name}}`` and the names of its secrets may stand anywhere in
    the address, the parameters, the content, the headers and the cookies.
    """

    _block_type_name = "Custom Webhook"
    _block_schema_capabilities: ClassVar[list[str] | None] = ["notify"]

    name: str = Field(description="What stands for {{name}}.")
    url: str = Field(description="The address.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(default="POST")
    params: dict[str, str] | None = Field(default=None, description="Of the address.")
    json_data: dict[str, Any] | None = Field(default=None, description="The content, as JSON.")
    form_data: dict[str, str] | None = Field(default=None, description="The content, as a form.")
    headers: dict[str, str] | None = None
    cookies: dict[str, str] | None = None
    timeout: float = Field(default=10.0, gt=0, le=600, description="Seconds.")
    secrets: SecretDict = Field(default={}, description="What stands for places of their names.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.json_data is not None and self.form_data is not None:
            message = "Give json_data or form_data, not both"
            raise ValueError(message)
        taken = sorted(_TOLD & self.secrets.keys())
        if taken:
            message = f"A secret cannot be called {taken[0]!r}: that is what is told"
            raise ValueError(message)
        return self

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Tell a text. Where an event loop runs, it is awaited.

        Raises:
            BlockError: it was not taken.
        """
        return answer(self.anotify(body, subject))

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """Do as ``notify`` does, in a coroutine."""
        told: dict[str, Any] = {
            "name": self.name,
            "body": body,
            "subject": subject or _DEFAULT_SUBJECT,
            **{name: one.get_secret_value() for name, one in self.secrets.items()},
        }
        hook = Webhook(
            method=self.method,
            url=SecretStr(_filled(self.url, told)),
            timeout_seconds=self.timeout,
        )
        content = {
            "params": self.params,
            "json": self.json_data,
            "data": self.form_data,
            "cookies": self.cookies,
        }
        given = {name: _filled(value, told) for name, value in content.items() if value is not None}
        await send(hook, _filled(self.headers or {}, told), **given)


def _filled(value: Any, told: dict[str, Any]) -> Any:
    """Return a document with what is told in its places; other places stay."""
    if isinstance(value, str):
        return _PLACE.sub(lambda match: str(told.get(match[1], match[0])), value)
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {_filled(name, told): _filled(inner, told) for name, inner in entries.items()}
    if isinstance(value, list):
        return [_filled(inner, told) for inner in cast("list[Any]", value)]
    return value
