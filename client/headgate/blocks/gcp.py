"""Blocks of Google Cloud: who asks, and buckets of Cloud Storage, over REST with google-auth."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from pydantic import Field

from headgate.blocks.core import Block
from headgate.blocks.stored_files import StoredFiles
from headgate.blocks.values import SecretDict
from headgate.errors import BlockError
from headgate.libraries import library

TIMEOUT_SECONDS = 60.0
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class GcpCredentials(Block):
    """Who asks Google Cloud; the identity that the run has, if no account is said."""

    _block_type_name = "GCP Credentials"
    _block_type_slug = "gcp-credentials"

    service_account_info: SecretDict | None = Field(
        default=None, description="The JSON of a service account's key, each entry secret."
    )
    project: str | None = Field(default=None, description="The project; the account's if left out.")

    def get_credentials(self) -> Any:
        """Return credentials of google-auth.

        Raises:
            MissingExtraError: google-auth is not installed.
        """
        if self.service_account_info is None:
            return library("google.auth", extra="gcp").default(scopes=[_SCOPE])[0]
        info = {name: one.get_secret_value() for name, one in self.service_account_info.items()}
        accounts = library("google.oauth2.service_account", extra="gcp")
        return accounts.Credentials.from_service_account_info(info, scopes=[_SCOPE])

    def get_session(self) -> Any:
        """Return a session of requests that signs in by itself; close it."""
        sessions = library("google.auth.transport.requests", extra="gcp")
        return sessions.AuthorizedSession(self.get_credentials())


class GcsBucket(StoredFiles):
    """Files in a bucket of Google Cloud Storage."""

    _block_type_name = "GCS Bucket"
    _block_type_slug = "gcs-bucket"

    bucket: str = Field(description="The bucket.")
    credentials: GcpCredentials = Field(
        default_factory=GcpCredentials, description="Who asks; the run's own identity if left out."
    )
    bucket_folder: str = Field(default="", description="Where in the bucket paths begin.")
    endpoint_url: str = Field(
        default="https://storage.googleapis.com", description="Where Cloud Storage is."
    )

    def _key(self, path: str) -> str:
        folder = self.bucket_folder.strip("/")
        return f"{folder}/{path}" if folder else path

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        with self.credentials.get_session() as session:
            address = f"{self.endpoint_url.rstrip('/')}{path}"
            response = session.request(method, address, timeout=TIMEOUT_SECONDS, **options)
        if response.status_code == 404:
            message = f"There is no such file in the bucket {self.bucket}, or no such bucket"
            raise FileNotFoundError(message)
        if response.status_code >= 400:
            message = f"The bucket {self.bucket} answered with the status {response.status_code}"
            raise BlockError(message)
        return response

    @property
    def _objects(self) -> str:
        return f"/storage/v1/b/{quote(self.bucket, safe='')}/o"

    def _read(self, path: str) -> bytes:
        address = f"{self._objects}/{quote(self._key(path), safe='')}"
        return bytes(self._ask("GET", address, params={"alt": "media"}).content)

    def _write(self, path: str, content: bytes) -> None:
        named = {"uploadType": "media", "name": self._key(path)}
        kind = {"Content-Type": "application/octet-stream"}
        self._ask("POST", f"/upload{self._objects}", params=named, data=content, headers=kind)

    def _paths(self, below: str) -> Iterable[str]:
        start, token = self._key(""), ""
        while True:
            wanted = {"prefix": self._key(below), **({"pageToken": token} if token else {})}
            page = self._ask("GET", self._objects, params=wanted).json()
            for one in page.get("items", ()):
                yield str(one["name"]).removeprefix(start)
            token = str(page.get("nextPageToken") or "")
            if not token:
                return
