"""How queries' tables name the properties of events."""

from typing import Final

PROPERTIES: Final = "properties"


def column_of(name: str) -> str:
    """Returns the column that holds a property."""
    return f"{PROPERTIES}.{name}"


def property_of(column: str) -> str:
    """Returns a property's own name for its column, and every other column as it is."""
    return column.removeprefix(f"{PROPERTIES}.")


def quoted(name: str) -> str:
    """Returns an identifier that stands for exactly this name."""
    return '"' + name.replace('"', '""') + '"'
