"""Changes of what a customer has: contracts, commits and credits."""

from backbeat.application import lifecycle, looks
from backbeat.application.services import Call
from backbeat.persistence.unit_of_work import UnitOfWork


def add(call: Call, work: UnitOfWork, customer_id: str) -> None:
    """Adds to the work of a change what follows from it: alerts are looked at, dates are watched.

    Everything that changes a contract or a balance says so here, in the same transaction.
    """
    looks.request(call, work, customer_id)
    lifecycle.request(call, work, customer_id)
