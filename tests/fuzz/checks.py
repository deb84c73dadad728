"""A check that schemathesis runs on every answer. It is loaded in the tool's own environment."""

from typing import Any

import schemathesis  # type: ignore[import-not-found]

NOT_BUILT = 501


@schemathesis.check  # type: ignore[untyped-decorator]
def no_unforeseen_error(ctx: object, response: Any, case: object) -> None:
    """Nothing answers as if it were broken; what is not built says so."""
    if response.status_code >= 500 and response.status_code != NOT_BUILT:
        raise AssertionError(f"answered {response.status_code}")
