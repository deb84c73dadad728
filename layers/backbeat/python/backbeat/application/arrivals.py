"""Usage that arrives late is counted apart from the rest, by the hour of its arrival.

So an invoice can leave out what came after its period's cut-off, however late it is computed, and
usage that came in time is told from it without looking at events again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from backbeat.application.services import Call
from backbeat.domain import invoicing
from backbeat.models.usage import CellKey, Measure
from backbeat.persistence import keys, tracked


def slot_of(call: Call, received_at: datetime) -> Callable[[datetime], str]:
    """Returns what tells the slot in which usage of an hour is counted, received at a time."""
    slot = call.services.cell_slot

    def of(hour: datetime) -> str:
        return keys.arrival_slot(slot, invoicing.late_arrival(hour, received_at))

    return of


def track(call: Call, said: Mapping[CellKey, Measure], received_at: datetime) -> None:
    """Writes greatest, latest and distinct values of events received at a time.

    Raises:
        Contention: the store could not take all of it now.
    """
    by_arrival: dict[datetime | None, dict[CellKey, Measure]] = {}
    for cell, measure in said.items():
        arrived = invoicing.late_arrival(cell.hour, received_at)
        by_arrival.setdefault(arrived, {})[cell] = measure
    for arrived, together in by_arrival.items():
        slot = call.services.cell_slot
        tracked.write(call.store, call.tenant, together, slot=slot, arrived=arrived)
