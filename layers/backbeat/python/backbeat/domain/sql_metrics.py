"""What a SQL metric's query answers, read as usage.

Owns: which column is the quantity, what the others group by, growth from answer to answer.
Does not own: the language of queries, running them.
Times: an answer over a span stands for the whole span.
Invariants: the increments of a group add up to the last answer's quantity.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.domain.properties import number_of, text_of
from backbeat.domain.windows import Groups
from backbeat.models.catalog import BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.usage import StoredEvent, Tally, UsageCell

_VALUE: Final = "value"
_ZERO: Final = Decimal(0)

Answer = Mapping[Groups, Decimal]
"""The quantity of each group, whose values are in the order of the metric's cell keys."""


def group_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Returns the columns that the quantity is grouped by."""
    place = _value_place(columns)
    return tuple(column for number, column in enumerate(columns) if number != place)


def properties_of(stored: StoredEvent, names: Iterable[str]) -> tuple[str | None, ...]:
    """Returns the texts of an event's properties, None where absent."""
    return tuple(text_of(stored.event.properties.get(name)) for name in names)


def answer(
    metric: BillableMetric, columns: Sequence[str], rows: Iterable[Sequence[str | Decimal | None]]
) -> Answer:
    """Returns the quantities of an answer. Rows of one group add up; null is no quantity."""
    value = _value_place(columns)
    places = [columns.index(key) for key in metric.cell_keys]
    found: dict[Groups, Decimal] = {}
    for row in rows:
        amount = number_of(row[value])
        if amount is not None:
            group = tuple(text_of(row[place]) for place in places)
            found[group] = EXACT.add(found.get(group, _ZERO), amount)
    return found


def cells(at: datetime, quantities: Answer) -> list[UsageCell]:
    """Returns an answer as the usage of an hour."""
    return [UsageCell(at, group, Tally(1, amount)) for group, amount in quantities.items()]


def growth(before: Answer, after: Answer) -> Answer:
    """Returns by how much each group grew from one answer to a later one; it may have shrunk."""
    return {
        group: EXACT.subtract(after.get(group, _ZERO), before.get(group, _ZERO))
        for group in {**before, **after}
    }


def regrouped(quantities: Answer, given: BillableMetric, wanted: BillableMetric) -> Answer:
    """Returns quantities by another metric's cell keys; what it does not know is added up."""
    places = [
        given.cell_keys.index(key) if key in given.cell_keys else None for key in wanted.cell_keys
    ]
    found: dict[Groups, Decimal] = {}
    for group, amount in quantities.items():
        there = tuple(None if place is None else group[place] for place in places)
        found[there] = EXACT.add(found.get(there, _ZERO), amount)
    return found


def _value_place(columns: Sequence[str]) -> int:
    names = [column.lower() for column in columns]
    return names.index(_VALUE) if _VALUE in names else 0
