"""YAML in, with exact numbers and with dates as the texts they are."""

from decimal import Decimal
from typing import Any

import yaml

from backbeat.models.errors import InvalidArgument


class _Loader(yaml.SafeLoader):
    """The safe loader, but for numbers with fractions and for dates."""


def _decimal(loader: _Loader, node: Any) -> Decimal:
    text = str(loader.construct_scalar(node)).replace("_", "")
    try:
        return Decimal(text)
    except ArithmeticError:
        raise InvalidArgument(f"The body has a number out of range: {text[:20]}") from None


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
