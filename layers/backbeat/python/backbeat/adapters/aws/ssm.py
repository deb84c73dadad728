"""Secrets in the SSM Parameter Store."""

import re
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_-]")


class SsmSecrets:
    """Implements `Secrets` as SecureString parameters below one path.

    Powertools' provider is not behind it: it caches within, though rings of secrets have to be read
    as they are before they are written; it remembers nothing of what is missing, which is asked for
    with every call; and it cannot delete. What may be old is remembered where it is used.
    """

    def __init__(self, prefix: str, client: "SSMClient | None" = None) -> None:
        """Keeps secrets below `prefix`, for example "/backbeat/prod"."""
        self._prefix = prefix.rstrip("/")
        self._client = client or boto3.client(
            "ssm", config=Config(retries={"mode": "standard", "total_max_attempts": 5})
        )

    def get(self, name: str) -> str | None:
        """Returns the secret, or None when there is none of that name."""
        try:
            reply = self._client.get_parameter(Name=self._path(name), WithDecryption=True)
        except self._client.exceptions.ParameterNotFound:
            return None
        return reply["Parameter"]["Value"]

    def put(self, name: str, value: str) -> None:
        """Stores or replaces the secret."""
        self._client.put_parameter(
            Name=self._path(name), Value=value, Type="SecureString", Overwrite=True
        )

    def delete(self, name: str) -> None:
        """Removes the secret; a missing one is fine."""
        try:
            self._client.delete_parameter(Name=self._path(name))
        except self._client.exceptions.ParameterNotFound:
            return

    def _path(self, name: str) -> str:
        # Parameter names know few characters; the slash is escaped as well, so that no name can
        # reach into another's path.
        escaped = _NOT_ALLOWED.sub(
            lambda match: "".join(f".{byte:02x}" for byte in match[0].encode()), name
        )
        return f"{self._prefix}/{escaped}"
