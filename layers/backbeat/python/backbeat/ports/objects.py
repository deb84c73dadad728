"""Files in object storage."""

from typing import Protocol


class UnreadableObject(Exception):
    """There is no such file, or it may not be read."""


class Objects(Protocol):
    """Reads files by `s3://` addresses."""

    def read(self, url: str, *, at_most: int) -> bytes:
        """Returns a file's bytes.

        Raises:
            UnreadableObject: there is none, it has more than `at_most` bytes, or it is not ours
                to read.
        """
        ...
