"""Blocks of AWS: who asks, and buckets of S3."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field, SecretStr

from headgate.blocks.core import Block
from headgate.blocks.stored_files import StoredFiles
from headgate.libraries import library


class AwsCredentials(Block):
    """Who asks AWS. What is left out, boto3 finds where the run is, such as its machine's role."""

    _block_type_name = "AWS Credentials"
    _block_type_slug = "aws-credentials"

    aws_access_key_id: str | None = Field(default=None, description="The key's id.")
    aws_secret_access_key: SecretStr | None = Field(default=None, description="The key itself.")
    aws_session_token: SecretStr | None = Field(default=None, description="Of temporary keys.")
    profile_name: str | None = Field(default=None, description="A profile where the run is.")
    region_name: str | None = Field(default=None, description="Such as eu-central-1.")
    endpoint_url: str | None = Field(
        default=None, description="Where a service that speaks like AWS is, such as MinIO."
    )

    def get_boto3_session(self) -> Any:
        """Return a session of boto3.

        Raises:
            MissingExtraError: boto3 is not installed.
        """
        key, token = self.aws_secret_access_key, self.aws_session_token
        return library("boto3", extra="aws").Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=None if key is None else key.get_secret_value(),
            aws_session_token=None if token is None else token.get_secret_value(),
            profile_name=self.profile_name,
            region_name=self.region_name,
        )

    def get_client(self, service: str) -> Any:
        """Return a client of boto3 for a service, such as ``s3``."""
        return self.get_boto3_session().client(service, endpoint_url=self.endpoint_url)


class S3Bucket(StoredFiles):
    """Files in a bucket of S3."""

    _block_type_name = "S3 Bucket"
    _block_type_slug = "s3-bucket"

    bucket_name: str = Field(description="The bucket.")
    credentials: AwsCredentials = Field(
        default_factory=AwsCredentials, description="Who asks; the run's own identity if left out."
    )
    bucket_folder: str = Field(default="", description="Where in the bucket paths begin.")

    def _key(self, path: str) -> str:
        folder = self.bucket_folder.strip("/")
        return f"{folder}/{path}" if folder else path

    def _read(self, path: str) -> bytes:
        client = self.credentials.get_client("s3")
        try:
            answer = client.get_object(Bucket=self.bucket_name, Key=self._key(path))
        except client.exceptions.NoSuchKey:
            message = f"There is no {path} in the bucket {self.bucket_name}"
            raise FileNotFoundError(message) from None
        with answer["Body"] as body:
            return bytes(body.read())

    def _write(self, path: str, content: bytes) -> None:
        client = self.credentials.get_client("s3")
        client.put_object(Bucket=self.bucket_name, Key=self._key(path), Body=content)

    def _paths(self, below: str) -> Iterable[str]:
        pages = self.credentials.get_client("s3").get_paginator("list_objects_v2")
        start = self._key("")
        for page in pages.paginate(Bucket=self.bucket_name, Prefix=self._key(below)):
            for one in page.get("Contents", ()):
                yield str(one["Key"]).removeprefix(start)
