"""A key of AWS KMS: wrapping is KMS's Encrypt, with the context as its encryption context.

boto3 comes with the extra ``aws``. KMS rotates a key's material by itself and unwraps with every
older one, so there is one version as seen from here; another key is another key id.
"""

from importlib import import_module
from typing import Any

from headgate_server.crypto.asking import Asker
from headgate_server.crypto.errors import KeyProviderAway, SecretUnreadable
from headgate_server.crypto.providers import KekVersion, WrapContext, Wrapped
from headgate_server.domain.errors import ConfigurationError

NAME = "aws-kms"
VERSION = "managed"
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 1, 2, 3

_UNREADABLE = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class AwsKms:
    """One key of AWS KMS, named by its ARN; credentials are those that boto3 finds."""

    name = NAME

    def __init__(
        self,
        key_id: str,
        *,
        client: Any,
        failures: tuple[type[Exception], ...],
        silences: tuple[type[Exception], ...],
    ) -> None:
        """Hold a client.

        Args:
            key_id: the key's ARN.
            client: boto3's client of KMS.
            failures: what that client raises.
            silences: those of them by which no answer came.
        """
        self._key_id = key_id
        self._client = client
        self._failures = failures
        self._asker = Asker(f"AWS KMS, for {key_id},", silences=silences)

    @property
    def key_id(self) -> str:
        """Return the key's ARN."""
        return self._key_id

    async def renew(self) -> float | None:
        """Sign in with nothing that ends here."""
        return None

    async def newest(self) -> KekVersion:
        """Return the one version; KMS is asked whether the key can be used."""
        await self._call("describe_key", KeyId=self._key_id)
        return self._version()

    async def wrap(self, secret: bytes, *, context: WrapContext) -> Wrapped:
        """Return a secret that KMS encrypted."""
        answer = await self._call(
            "encrypt", KeyId=self._key_id, Plaintext=secret, EncryptionContext=context.as_texts()
        )
        return Wrapped(self._version(), answer["CiphertextBlob"])

    async def unwrap(self, wrapped: Wrapped, *, context: WrapContext) -> bytes:
        """Return a secret that KMS decrypted."""
        answer = await self._call(
            "decrypt",
            KeyId=self._key_id,
            CiphertextBlob=wrapped.data,
            EncryptionContext=context.as_texts(),
        )
        return answer["Plaintext"]

    def _version(self) -> KekVersion:
        return KekVersion(self.name, self._key_id, VERSION)

    async def _call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        try:
            return await self._asker.ask(getattr(self._client, verb), **arguments)
        except self._failures as error:
            # Of a connection that ended or timed out, botocore has none, and says so by None.
            answer: dict[str, Any] = getattr(error, "response", None) or {}
            code = str(answer.get("Error", {}).get("Code", type(error).__name__))
        if code in _UNREADABLE:
            raise SecretUnreadable from None
        raise KeyProviderAway(f"AWS KMS refuses {verb} with {self._key_id}: {code}.") from None


def open_aws_kms(key_id: str, *, endpoint_url: str | None = None) -> AwsKms:
    """Return a key of KMS, in the region that its ARN names.

    Raises:
        ConfigurationError: boto3 is not installed, or the key is not named by an ARN.
    """
    parts = key_id.split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "kms":
        raise ConfigurationError(
            "HEADGATE_KEK names a key of AWS KMS by its ARN, as aws-kms:arn:aws:kms:REGION:…; "
            "correct it and start again."
        )
    try:
        session = import_module("boto3.session")
        config = import_module("botocore.config")
        exceptions = import_module("botocore.exceptions")
    except ImportError:
        raise ConfigurationError(
            "HEADGATE_KEK names AWS KMS; install headgate-server[aws] for it."
        ) from None
    client = session.Session().client(
        "kms",
        region_name=parts[3],
        endpoint_url=endpoint_url,
        config=config.Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        ),
    )
    failures = (exceptions.ClientError, exceptions.BotoCoreError)
    silences = (exceptions.HTTPClientError, exceptions.ConnectionError)
    return AwsKms(key_id, client=client, failures=failures, silences=silences)
