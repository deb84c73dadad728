"""A check that schemathesis runs on every answer. It is loaded in the tool's own environment."""

from typing import Any

import schemathesis  # type: ignore[import-not-found]

_LONGEST_ADDRESS = 4_000
"""Characters. Much longer ones never come to the product: its HTTP server refuses them."""


@schemathesis.hook  # type: ignore[untyped-decorator]
def filter_case(context: object, case: Any) -> bool:
    """Leaves out requests whose address no HTTP server would take."""
    return len(case.formatted_path) + len(str(case.query)) < _LONGEST_ADDRESS


@schemathesis.check  # type: ignore[untyped-decorator]
def no_unforeseen_error(ctx: object, response: Any, case: object) -> None:
    """Nothing answers as if it were broken."""
    if response.status_code >= 500:
        raise AssertionError(f"answered {response.status_code}")
