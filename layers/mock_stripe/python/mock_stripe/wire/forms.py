"""Form bodies and query strings with brackets, as nested values.

`items[0][price]=p&metadata[k]=v&expand[]=customer` is
`{"items": [{"price": "p"}], "metadata": {"k": "v"}, "expand": ["customer"]}`. Every leaf is text.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from mock_stripe.errors import InvalidRequest

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")
_DEEPEST: Final = 8
_MOST_PAIRS: Final = 5_000


def decode(text: str) -> dict[str, Any]:
    """Returns the nested parameters of a form or query string.

    Raises:
        InvalidRequest: a name's brackets do not close, or one name is text here and nested there.
    """
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=False, max_num_fields=_MOST_PAIRS
        )
    except ValueError as error:
        raise InvalidRequest(f"Too many parameters: {error}") from error
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _put(tree, name, value)
    return {name: _as_lists(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], name: str, value: str) -> None:
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidRequest(f"Invalid parameter name: {name}", param=name)
    steps = [found[1], *_STEP.findall(found[2])]
    if len(steps) > _DEEPEST:
        raise InvalidRequest(f"Parameter nested too deeply: {name}", param=name)
    here = tree
    for step in steps[:-1]:
        below = here.setdefault(step or str(len(here)), {})
        if not isinstance(below, dict):
            raise InvalidRequest(f"Invalid parameter: {name} is both text and nested", param=name)
        here = below
    last = steps[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise InvalidRequest(f"Invalid parameter: {name} is both text and nested", param=name)
    here[last] = value


def _as_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _as_lists(item) for name, item in value.items()}
    # Numbered without a gap: a list. (Metadata may have such keys, too; it can tell by itself.)
    numbers = [str(number) for number in range(len(inner))]
    if inner and inner.keys() == set(numbers):
        return [inner[number] for number in numbers]
    return inner
