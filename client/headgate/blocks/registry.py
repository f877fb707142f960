"""Which class stands for blocks of which type, in this process."""

import importlib
from typing import TYPE_CHECKING

from headgate.errors import UnknownBlockTypeError

if TYPE_CHECKING:
    from headgate.blocks.core import Block

_MODULES = {
    "system": ("secret", "json", "string", "date-time"),
    "file_systems": ("local-file-system", "remote-file-system"),
    "aws": ("aws-credentials", "s3-bucket"),
    "gcp": ("gcp-credentials", "gcs-bucket"),
    "azure": ("azure-credentials", "azure-blob-container"),
    "databases": ("database-credentials", "sqlalchemy-connector"),
    "webhooks": ("webhook", "slack-webhook"),
    "notifications": ("notification",),
    "custom_webhooks": ("custom-webhook",),
    "services": (
        "apprise-notification",
        "discord-webhook",
        "mattermost-webhook",
        "ms-teams-webhook",
        "opsgenie-webhook",
        "pager-duty-webhook",
        "sendgrid-email",
        "twilio-sms",
    ),
    "git": ("git-credentials",),
    "docker": ("docker-registry",),
}
BUILT_IN = {
    slug: f"headgate.blocks.{module}" for module, slugs in _MODULES.items() for slug in slugs
}
"""The modules of types that come with Headgate, by slug: imported when one is first met."""

_classes: "dict[str, type[Block]]" = {}


def add(slug: str, cls: "type[Block]") -> None:
    """Let a class stand for blocks of a type; one that is defined again replaces the former."""
    _classes[slug] = cls


def get(slug: str) -> "type[Block]":
    """Return the class of a type.

    Raises:
        UnknownBlockTypeError: no module that defines it was imported.
    """
    if slug not in _classes and slug in BUILT_IN:
        importlib.import_module(BUILT_IN[slug])
    found = _classes.get(slug)
    if found is None:
        message = f"No class for blocks of the type {slug!r}: import the module that defines it"
        raise UnknownBlockTypeError(message)
    return found
