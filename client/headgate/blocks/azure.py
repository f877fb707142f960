"""Blocks of Azure: who asks, and containers of Blob Storage."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field, SecretStr

from headgate.blocks.core import Block
from headgate.blocks.stored_files import StoredFiles
from headgate.errors import BlockError
from headgate.libraries import library


class AzureCredentials(Block):
    """Who asks Azure's storage: a connection string, or an address with the run's own identity."""

    _block_type_name = "Azure Credentials"
    _block_type_slug = "azure-credentials"

    connection_string: SecretStr | None = Field(
        default=None, description="Of a storage account; it holds its key."
    )
    account_url: str | None = Field(
        default=None, description="Such as https://account.blob.core.windows.net."
    )

    def get_container_client(self, container: str) -> Any:
        """Return a client of azure-storage-blob for a container; close it.

        Raises:
            BlockError: neither a connection string nor an address is said.
            MissingExtraError: azure-storage-blob or azure-identity is not installed.
        """
        kind = library("azure.storage.blob", extra="azure").ContainerClient
        if self.connection_string is not None:
            return kind.from_connection_string(self.connection_string.get_secret_value(), container)
        if self.account_url is None:
            message = "Say the connection_string of a storage account, or its account_url"
            raise BlockError(message)
        identity = library("azure.identity", extra="azure").DefaultAzureCredential()
        return kind(self.account_url, container, credential=identity)


class AzureBlobContainer(StoredFiles):
    """Files in a container of Azure Blob Storage."""

    _block_type_name = "Azure Blob Container"
    _block_type_slug = "azure-blob-container"

    container: str = Field(description="The container.")
    credentials: AzureCredentials = Field(description="Who asks.")
    folder: str = Field(default="", description="Where in the container paths begin.")

    def _key(self, path: str) -> str:
        folder = self.folder.strip("/")
        return f"{folder}/{path}" if folder else path

    def _read(self, path: str) -> bytes:
        errors = library("azure.core.exceptions", extra="azure")
        with self.credentials.get_container_client(self.container) as client:
            try:
                return bytes(client.download_blob(self._key(path)).readall())
            except errors.ResourceNotFoundError:
                message = f"There is no {path} in the container {self.container}"
                raise FileNotFoundError(message) from None

    def _write(self, path: str, content: bytes) -> None:
        with self.credentials.get_container_client(self.container) as client:
            client.upload_blob(self._key(path), content, overwrite=True)

    def _paths(self, below: str) -> Iterable[str]:
        start = self._key("")
        with self.credentials.get_container_client(self.container) as client:
            names = client.list_blob_names(name_starts_with=self._key(below))
            return [str(name).removeprefix(start) for name in names]
