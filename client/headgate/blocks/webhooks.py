"""Blocks that call an address over HTTP: a webhook of any kind, and one of Slack."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import aiohttp
from pydantic import Field, JsonValue, SecretStr

from headgate.api.background import answer
from headgate.blocks.core import Block
from headgate.blocks.values import SecretDict
from headgate.errors import BlockError

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What an address answered."""

    status: int
    text: str


class Webhook(Block):
    """An address that is called, with what of it is secret."""

    _block_type_name = "Webhook"
    _block_schema_capabilities: ClassVar[list[str] | None] = ["call"]

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST", description="How it is called."
    )
    url: SecretStr = Field(description="The address; secret, for it often has a token in it.")
    headers: SecretDict = Field(default={}, description="Headers, each secret.")
    verify: bool = Field(default=True, description="Whether its certificate is checked.")
    timeout_seconds: float = Field(default=TIMEOUT_SECONDS, gt=0, le=600)

    def call(self, payload: JsonValue = None) -> Any:
        """Call the address with a JSON payload, and return what it answers: status and text.

        Where an event loop runs, it is awaited. Redirects are not followed.

        Raises:
            BlockError: it cannot be reached, or answers with a status of 400 and above; the
                address is not told.
        """
        return answer(self.acall(payload))

    async def acall(self, payload: JsonValue = None) -> WebhookAnswer:
        """Do as ``call`` does, in a coroutine."""
        headers = {name: str(one.get_secret_value()) for name, one in self.headers.items()}
        return await send(self, headers, json=payload)


class SlackWebhook(Block):
    """A webhook of Slack, or of what understands its messages, such as Mattermost."""

    _block_type_name = "Slack Webhook"
    _block_type_slug = "slack-webhook"
    _block_schema_capabilities: ClassVar[list[str] | None] = ["notify"]

    url: SecretStr = Field(description="The webhook's address: it is a secret.")

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Post a message, with its subject in bold above it. Where an event loop runs, await it.

        Raises:
            BlockError: it was not taken.
        """
        return answer(self.anotify(body, subject))

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """Do as ``notify`` does, in a coroutine."""
        text = f"*{subject}*\n{body}" if subject else body
        await Webhook(url=self.url).acall({"text": text})


async def send(hook: Webhook, headers: dict[str, str], **content: Any) -> WebhookAnswer:
    """Call the address of a webhook, and return what it answers.

    Args:
        content: ``json``, ``data``, ``params`` or ``cookies``, as aiohttp takes them.

    Raises:
        BlockError: it cannot be reached, or answers with a status of 400 and above.
    """
    limit = aiohttp.ClientTimeout(total=hook.timeout_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, trust_env=True) as session,
            session.request(
                hook.method,
                hook.url.get_secret_value(),
                headers=headers,
                ssl=hook.verify,
                allow_redirects=False,
                **content,
            ) as response,
        ):
            status, text = response.status, await response.text(errors="replace")
    # Its errors say the address, which is a secret.
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        message = f"The webhook cannot be called: {type(error).__name__}"
        raise BlockError(message) from None
    if status >= 400:
        message = f"The webhook answered with the status {status}"
        raise BlockError(message)
    return WebhookAnswer(status=status, text=text)
