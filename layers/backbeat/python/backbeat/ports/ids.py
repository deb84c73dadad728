"""Where new identities come from."""

from typing import Protocol


class Ids(Protocol):
    """Makes identifiers for things that are created, not derived."""

    def new(self) -> str:
        """Returns a new UUIDv4 in its usual text form."""
        ...
