"""Implements `Objects` by S3, or whatever speaks its API at `AWS_ENDPOINT_URL`."""

from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from backbeat.ports.objects import UnreadableObject


class S3Objects:
    """Files in S3."""

    def __init__(self) -> None:
        """Opens a client with the environment's credentials."""
        self._client = boto3.client("s3")

    def read(self, url: str, *, at_most: int) -> bytes:
        """Implements `Objects`."""
        parts = urlsplit(url)
        bucket, key = parts.netloc, parts.path.lstrip("/")
        if parts.scheme != "s3" or not bucket or not key:
            raise UnreadableObject(f"not an address of a file in S3: {url}")
        try:
            found = self._client.get_object(Bucket=bucket, Key=key)
            if found["ContentLength"] > at_most:
                raise UnreadableObject(f"{url} has more than {at_most} bytes")
            content: bytes = found["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise UnreadableObject(f"{url} cannot be read: {error}") from error
        return content
