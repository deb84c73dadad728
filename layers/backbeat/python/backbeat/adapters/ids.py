"""New identifiers."""

import itertools
import uuid


class RandomIds:
    """Random UUIDs."""

    def new(self) -> str:
        """Returns a new UUIDv4 in its usual text form."""
        return str(uuid.uuid4())


class SequenceIds:
    """Counts upwards from 1, for tests: what is made in the same order gets the same identifiers.

    They look like UUIDv4 and sort in the order they were made.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self) -> str:
        """Returns the next identifier."""
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"
