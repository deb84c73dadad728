"""Usage that was counted makes the alerts of its customers be looked at."""

from collections.abc import Iterable
from typing import Final

from backbeat.application import customers, looks
from backbeat.application.services import Call
from backbeat.persistence.alerts import Extent

USAGE: Final = "usage"


def usage_arrived(call: Call, watched: Extent, customer_keys: Iterable[str]) -> None:
    """Asks for looks at the customers whose usage was just stored, if alerts are about any.

    `watched` is as it was before: an alert that was made meanwhile is looked at again soon.
    Usage is acknowledged after it, so a crash before it makes the client send the events again,
    which asks again.

    Raises:
        Retryable: a look could not be asked for now.
    """
    if watched.nobody:
        return
    found = (customers.matching_key(call, key) for key in dict.fromkeys(customer_keys))
    ids = dict.fromkeys(customer.id for customer in found if customer is not None)
    looks.ask(call, ids, cause=USAGE, everybody=bool(watched.version))
