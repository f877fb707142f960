"""A block that tells people something, by any of the services that apprise knows."""

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, SecretStr

from headgate import elsewhere
from headgate.blocks.core import Block
from headgate.blocks.either import done
from headgate.errors import BlockError
from headgate.libraries import library

if TYPE_CHECKING:
    from headgate.blocks.custom_webhooks import CustomWebhookNotificationBlock
    from headgate.blocks.services import (
        AbstractAppriseNotificationBlock,
        AppriseNotificationBlock,
        DiscordWebhook,
        MattermostWebhook,
        MicrosoftTeamsWebhook,
        OpsgenieWebhook,
        PagerDutyWebHook,
        SendgridEmail,
        TwilioSMS,
    )
    from headgate.blocks.webhooks import SlackWebhook


class Notification(Block):
    """Tells people something: by e-mail, Teams, PagerDuty and a hundred others of apprise."""

    _block_type_name = "Notification"
    _block_schema_capabilities: ClassVar[list[str] | None] = ["notify"]

    urls: list[SecretStr] = Field(
        min_length=1, description="Addresses as apprise writes them, such as mailto://…; secret."
    )

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Tell a text to all the addresses. Where an event loop runs, it is awaited.

        Raises:
            BlockError: an address is not understood, or one of them did not take it.
            MissingExtraError: apprise is not installed.
        """
        return done(self._notify, body, subject)

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """Do as ``notify`` does, in a coroutine."""
        await asyncio.to_thread(self._notify, body, subject)

    def _notify(self, body: str, subject: str | None) -> None:
        people = library("apprise", extra="notifications").Apprise()
        for place, url in enumerate(self.urls):
            if not people.add(url.get_secret_value()):
                message = f"apprise does not understand urls.{place} of the notification"
                raise BlockError(message)
        if not people.notify(body=body, title=subject or ""):
            message = "The notification was not taken by all of its addresses"
            raise BlockError(message)


__all__ = [
    "AbstractAppriseNotificationBlock",
    "AppriseNotificationBlock",
    "CustomWebhookNotificationBlock",
    "DiscordWebhook",
    "MattermostWebhook",
    "MicrosoftTeamsWebhook",
    "Notification",
    "OpsgenieWebhook",
    "PagerDutyWebHook",
    "SendgridEmail",
    "SlackWebhook",
    "TwilioSMS",
]

_PLACES = {
    **dict.fromkeys(__all__, "headgate.blocks.services"),
    "CustomWebhookNotificationBlock": "headgate.blocks.custom_webhooks",
    "SlackWebhook": "headgate.blocks.webhooks",
}

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__, _PLACES)
