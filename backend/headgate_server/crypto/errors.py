"""What goes wrong with sealed values and with keys that wrap keys; none of it tells a secret."""

from headgate_server.domain.errors import HeadgateError, Unavailable


class SecretUnreadable(HeadgateError):
    """A sealed value does not open: it, its place or its key is not the one it was sealed with."""


class KeyProviderAway(Unavailable):
    """The provider of the installation's key does not answer; try again in a moment."""
