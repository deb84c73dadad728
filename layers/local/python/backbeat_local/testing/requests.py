"""What a sandbox was asked."""

from collections.abc import Sequence
from typing import Any

from backbeat_local.client import Http


class Requests:
    """The log of the last 500 calls, for assertions. Calls to the controls are not in it.

    Filters: `method`, `path` (with `*`), `operation` (such as `ingest-v1`), `status`, and
    `contains`, a text in the body.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def all(self, **filters: object) -> Sequence[dict[str, Any]]:
        """Returns the calls, oldest first, with bodies and replies."""
        told: list[dict[str, Any]] = self._told(filters, latest=500)["requests"]
        return told

    def count(self, **filters: object) -> int:
        """Returns how many calls there were."""
        return int(self._told(filters, latest=0)["total"])

    def by_operation(self, **filters: object) -> dict[str, int]:
        """Returns how many calls there were of each operation."""
        return dict(self._told(filters, latest=0)["by_operation"])

    def last(self, **filters: object) -> dict[str, Any]:
        """Returns the last call.

        Raises:
            AssertionError: there was none.
        """
        found = self._told(filters, latest=1)["requests"]
        if not found:
            raise AssertionError(f"no request {filters or ''}; there were {self.by_operation()}")
        last: dict[str, Any] = found[0]
        return last

    def assert_called(self, operation: str, times: int | None = None) -> None:
        """Fails unless an operation was called, or was called so many times."""
        counts = self.by_operation()
        got = counts.get(operation, 0)
        if got != times if times is not None else got == 0:
            wanted = "at least once" if times is None else f"{times} times"
            raise AssertionError(
                f"{operation} was called {got} times, not {wanted}; calls: {counts}"
            )

    def clear(self) -> None:
        """Begins the log anew."""
        self._http.delete("/mock/requests")

    def _told(self, filters: dict[str, object], *, latest: int) -> dict[str, Any]:
        told: dict[str, Any] = self._http.get("/mock/requests", **filters, latest=latest)["data"]
        return told
