"""YAML in, with exact numbers and with dates as the texts they are."""

from decimal import Decimal
from typing import Any, Final

import yaml

from backbeat.api import json
from backbeat.models.errors import InvalidArgument

_DEEPEST: Final = 100
"""Brackets inside brackets. The parser's time grows with their square: 20,000 take minutes."""


class _Loader(yaml.SafeLoader):
    """The safe loader, but for numbers with fractions, for dates, and for depth."""

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= _DEEPEST:
            raise InvalidArgument(f"The body has more than {_DEEPEST} brackets inside each other")
        super().fetch_flow_collection_start(token)


def _decimal(loader: _Loader, node: Any) -> Decimal:
    return json.number(str(loader.construct_scalar(node)).replace("_", ""))


def _text(loader: _Loader, node: Any) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)


def loads(text: str) -> object:
    """Returns the value of a YAML text; numbers are `int` or `Decimal`, dates are texts.

    Raises:
        InvalidArgument: it is not YAML, or has an alias, which could blow up without measure.
    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _Loader)):
            raise InvalidArgument("The body has a YAML alias, which is not read here")
        value: object = yaml.load(text, _Loader)  # noqa: S506 - made from the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"The body is not valid YAML: {error}") from error
    return value
