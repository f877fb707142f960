"""Blocks of one service each: the address that apprise is given, and requests of any form."""

from importlib import import_module
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from headgate.blocks import notifications, registry
from headgate.blocks.abstract import CredentialsBlock, NotificationBlock
from headgate.blocks.core import Block
from headgate.blocks.notifications import AppriseNotificationBlock, CustomWebhookNotificationBlock
from tests.client.blocks.stand_in import Asked, stand_in

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

TOKEN = "s3cret-token-of-a-test"
CASES: list[tuple[str, dict[str, Any], str]] = [
    (
        "DiscordWebhook",
        {"webhook_id": "123456", "webhook_token": "tok/en", "botname": "bot"},
        "discord",
    ),
    (
        "MattermostWebhook",
        {"hostname": "mm.example.com", "token": "xyz123", "channels": ["a", "b"], "port": 8443},
        "mmosts",
    ),
    ("PagerDutyWebHook", {"integration_key": "ikey", "api_key": "akey"}, "pagerduty"),
    (
        "TwilioSMS",
        {
            "account_sid": "AC" + "a" * 32,
            "auth_token": "b" * 32,
            "from_phone_number": "+18001234567",
            "to_phone_numbers": ["+18001234568"],
        },
        "twilio",
    ),
    (
        "OpsgenieWebhook",
        {"apikey": "a" * 30, "target_user": ["me@example.com"], "target_team": ["ops"]},
        "opsgenie",
    ),
    (
        "SendgridEmail",
        {"api_key": "SG.key", "sender_email": "a@example.com", "to_emails": ["b@example.com"]},
        "sendgrid",
    ),
    (
        "MicrosoftTeamsWebhook",
        {
            "url": "https://prod-1.eastus.logic.azure.com/workflows/"
            + "a" * 32
            + "/triggers/manual/paths/invoke?api-version=2016-06-01&sig=abc"
        },
        "workflow",
    ),
    ("AppriseNotificationBlock", {"url": "json://localhost:9/x"}, "json"),
]


@pytest.mark.parametrize(("name", "fields", "protocol"), CASES, ids=[case[0] for case in CASES])
def test_apprise_understands_the_address_of_a_service(
    name: str, fields: dict[str, Any], protocol: str
) -> None:
    block = getattr(notifications, name).model_validate(fields)
    assert isinstance(block, AppriseNotificationBlock)

    people = import_module("apprise").Apprise()
    told = block.addressed()

    assert people.add(told.urls[0].get_secret_value())
    assert people[0].url().partition("://")[0] == protocol
    secrets = [value for value in vars(block).values() if isinstance(value, SecretStr)]
    assert all(one.get_secret_value() not in repr(block) for one in secrets if str(one))
    assert registry.get(type(block).get_block_type_slug()) is type(block)


def test_a_service_is_told_over_a_socket() -> None:
    with stand_in(lambda asked: (200, b"")) as server:
        place = server.url.removeprefix("http://")
        AppriseNotificationBlock(url=SecretStr(f"json://{place}/told")).notify("body", "subject")

    assert server.asked[0].json()["message"] == "body"
    assert server.asked[0].json()["title"] == "subject"


def taken(_: Asked) -> tuple[int, Any]:
    return 200, b"ok"


def test_a_custom_webhook_is_filled_in() -> None:
    with stand_in(taken) as server:
        CustomWebhookNotificationBlock.model_validate(
            {
                "name": "of-a-test",
                "url": server.url + "/{{name}}",
                "json_data": {"text": "{{subject}}: {{ body }}", "of": ["{{name}}", "{{other}}"]},
                "headers": {"X-Key": "{{token}}"},
                "params": {"key": "{{token}}"},
                "secrets": {"token": TOKEN},
            }
        ).notify("all is well")

    asked = server.asked[0]
    assert (asked.method, asked.path, asked.query) == ("POST", "/of-a-test", f"key={TOKEN}")
    assert asked.headers["x-key"] == TOKEN
    assert asked.json() == {
        "text": "Headgate Notification: all is well",
        "of": ["of-a-test", "{{other}}"],
    }


@pytest.mark.parametrize(
    "wrong",
    [{"json_data": {}, "form_data": {}}, {"secrets": {"body": TOKEN}}],
    ids=["two contents", "a secret called as what is told"],
)
def test_a_custom_webhook_that_could_not_work_is_refused(wrong: dict[str, Any]) -> None:
    given = {"name": "x", "url": "http://localhost", **wrong}
    with pytest.raises(ValidationError):
        CustomWebhookNotificationBlock.model_validate(given)


def test_kinds_of_blocks_are_bases_of_one_s_own() -> None:
    class Pager(NotificationBlock):
        def notify(self, body: str, subject: str | None = None) -> Any:
            self.logger.info("told %s", body)
            return body

    class Half(CredentialsBlock): ...

    assert Pager().notify("hello") == "hello"
    assert issubclass(Pager, Block)
    with pytest.raises(TypeError, match="get_client"):
        Half()  # pyright: ignore[reportAbstractUsage]
