"""Blocks that tell people something by one service each: the fields are those of the service.

Each makes the address of ``Notification`` out of its fields; ``headgate.blocks.notifications`` has
them under the names that Prefect's users know.
"""

from abc import abstractmethod
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr

from headgate.blocks.core import Block
from headgate.blocks.notifications import Notification

Level = Literal["info", "success", "warning", "failure"]


class AppriseNotificationBlock(Block):
    """Tells people something by any service that apprise knows, which its address says."""

    _block_type_name = "Apprise Notification"
    _block_schema_capabilities: ClassVar[list[str] | None] = ["notify"]

    url: SecretStr = Field(description="An address as apprise writes them, or a service's own.")

    def notify(self, body: str, subject: str | None = None) -> Any:
        """Tell a text. Where an event loop runs, it is awaited.

        Raises:
            BlockError: it was not taken.
            MissingExtraError: apprise is not installed.
        """
        return self.addressed().notify(body, subject)

    async def anotify(self, body: str, subject: str | None = None) -> None:
        """Do as ``notify`` does, in a coroutine."""
        await self.addressed().anotify(body, subject)

    def addressed(self) -> Notification:
        """Return the block of any service that has this one's address."""
        return Notification(urls=[SecretStr(self._address())])

    def _address(self) -> str:
        return self.url.get_secret_value()


AbstractAppriseNotificationBlock = AppriseNotificationBlock


class MicrosoftTeamsWebhook(AppriseNotificationBlock):
    """Tells people something in a channel of Teams, by its webhook."""

    _block_type_name = "Microsoft Teams Webhook"
    _block_type_slug = "ms-teams-webhook"


class _Service(AppriseNotificationBlock):
    """Tells people something by a service; its address follows from the other fields."""

    url: SecretStr = Field(default=SecretStr(""), exclude=True, repr=False)

    @abstractmethod
    def _address(self) -> str: ...


class DiscordWebhook(_Service):
    """Tells people something in a channel of Discord."""

    _block_type_name = "Discord Webhook"

    webhook_id: SecretStr = Field(description="The first part of the webhook's address.")
    webhook_token: SecretStr = Field(description="The second part of it.")
    botname: str | None = Field(default=None, description="Who says it.")

    def _address(self) -> str:
        user = f"{_part(self.botname)}@" if self.botname else ""
        return f"discord://{user}{_part(self.webhook_id)}/{_part(self.webhook_token)}/"


class MattermostWebhook(_Service):
    """Tells people something in channels of Mattermost."""

    _block_type_name = "Mattermost Webhook"

    hostname: str = Field(description="Where Mattermost is, without http.")
    token: SecretStr = Field(description="The last part of the webhook's address.")
    botname: str | None = Field(default=None, description="Who says it.")
    channels: list[str] | None = Field(default=None, description="That of the webhook if not said.")
    path: str | None = Field(default=None, description="What is before /hooks in the address.")
    port: int | None = Field(default=None, description="443, or 80 without TLS, if not said.")
    secure: bool = Field(default=True, description="Whether it is called over TLS.")

    def _address(self) -> str:
        scheme = "mmosts" if self.secure else "mmost"
        user = f"{_part(self.botname)}@" if self.botname else ""
        port = f":{self.port}" if self.port else ""
        path = f"/{self.path.strip('/')}" if self.path else ""
        channels = f"?{urlencode({'channels': ','.join(self.channels)})}" if self.channels else ""
        return f"{scheme}://{user}{self.hostname}{port}{path}/{_part(self.token)}{channels}"


class PagerDutyWebHook(_Service):
    """Tells people something by an event of PagerDuty."""

    _block_type_name = "Pager Duty Webhook"

    integration_key: SecretStr = Field(description="Of the integration that takes events.")
    api_key: SecretStr = Field(description="A key of the account.")
    source: str = Field(default="Headgate", description="What the event comes from.")
    component: str = Field(default="Notification", description="Which part of it.")
    group: str | None = Field(default=None, description="Which group of parts.")
    class_id: str | None = Field(default=None, description="Which class of events.")
    region_name: Literal["us", "eu"] = Field(default="us", description="Where the account is.")

    def _address(self) -> str:
        more = {"region": self.region_name, "group": self.group, "class": self.class_id}
        query = urlencode({name: value for name, value in more.items() if value})
        place = f"{_part(self.source)}/{_part(self.component)}"
        keys = f"{_part(self.integration_key)}@{_part(self.api_key)}"
        return f"pagerduty://{keys}/{place}?{query}"


class TwilioSMS(_Service):
    """Tells people something by a text message of Twilio."""

    _block_type_name = "Twilio SMS"

    account_sid: str = Field(description="The account.")
    auth_token: SecretStr = Field(description="What signs it in.")
    from_phone_number: str = Field(description="With its country, as +18001234567.")
    to_phone_numbers: list[str] = Field(min_length=1, description="Who is told.")

    def _address(self) -> str:
        to = "/".join(map(_part, self.to_phone_numbers))
        account = f"{_part(self.account_sid)}:{_part(self.auth_token)}"
        return f"twilio://{account}@{_part(self.from_phone_number)}/{to}"


class OpsgenieWebhook(_Service):
    """Tells people something by an alert of Opsgenie."""

    _block_type_name = "Opsgenie Webhook"

    apikey: SecretStr = Field(description="A key of the account.")
    target_user: list[str] | None = Field(default=None, description="Users who are told.")
    target_team: list[str] | None = Field(default=None, description="Teams that are told.")
    target_schedule: list[str] | None = Field(default=None, description="Schedules of people.")
    target_escalation: list[str] | None = Field(default=None, description="Escalations.")
    region_name: Literal["us", "eu"] = Field(default="us", description="Where the account is.")
    priority: int = Field(default=3, ge=1, le=5, description="1 is low, 5 is an emergency.")
    alias: str | None = Field(default=None, description="Alerts of one alias are one.")
    entity: str | None = Field(default=None, description="What the alert is about.")
    tags: list[str] = Field(default=[], description="Of the alert.")

    def _address(self) -> str:
        kinds = (
            ("@", self.target_user),
            ("#", self.target_team),
            ("*", self.target_schedule),
            ("^", self.target_escalation),
        )
        targets = "".join(
            f"/{quote(mark, safe='@')}{_part(name)}"
            for mark, names in kinds
            for name in names or ()
        )
        more = {
            "region": self.region_name,
            "priority": str(self.priority),
            "alias": self.alias,
            "entity": self.entity,
            "tags": ",".join(self.tags),
        }
        query = urlencode({name: value for name, value in more.items() if value})
        return f"opsgenie://{_part(self.apikey)}{targets}?{query}"


class SendgridEmail(_Service):
    """Tells people something by e-mail, which SendGrid sends."""

    _block_type_name = "Sendgrid Email"

    api_key: SecretStr = Field(description="A key of the account.")
    sender_email: str = Field(description="Whom it is from.")
    to_emails: list[str] = Field(min_length=1, description="Whom it is for.")

    def _address(self) -> str:
        to = "/".join(map(_part, self.to_emails))
        # apprise looks for the @ of the sender as it stands.
        sender = quote(self.sender_email, safe="@")
        return f"sendgrid://{_part(self.api_key)}:{sender}/{to}"


def _part(value: str | SecretStr | None) -> str:
    """Return a value as a part of an address."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value or ""
    return quote(text, safe="")
