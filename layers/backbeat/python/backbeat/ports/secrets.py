"""Where secrets are kept. They never enter items, logs or events."""

from typing import Protocol


class Secrets(Protocol):
    """Named secrets, readable and replaceable."""

    def get(self, name: str) -> str | None:
        """Returns the secret, or None when there is none of that name."""
        ...

    def put(self, name: str, value: str) -> None:
        """Stores or replaces the secret."""
        ...

    def delete(self, name: str) -> None:
        """Removes the secret; a missing one is fine."""
        ...
