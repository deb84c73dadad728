"""A customer's commits and credits as they were read, and as a use case leaves them.

All that a use case does to them goes through one book, so that each is written once, and only if
nobody changed it since it was read: what was decided by what it held then would be wrong now.
"""

from collections.abc import Iterable, Iterator

from backbeat.application.services import Call
from backbeat.models.balances import Balance
from backbeat.models.errors import NotFound
from backbeat.persistence import balances
from backbeat.ports.store import Effect, Item


class Book:
    """The commits and credits of one customer, also those of its contracts.

    It may hold more: those of others who share balances with the customer.
    """

    def __init__(
        self, call: Call, customer_id: str, stored: Iterable[tuple[Item, Balance]] | None = None
    ) -> None:
        """Reads them, unless they are given as stored."""
        self.customer_id = customer_id
        self._tenant = call.tenant
        if stored is None:
            stored = balances.of_customer(call.store, call.tenant, customer_id)
        stored = list(stored)
        self._items: dict[str, Item] = {balance.id: item for item, balance in stored}
        self._before = {balance.id: balance for _, balance in stored}
        self._now = dict(self._before)

    @property
    def balances(self) -> list[Balance]:
        """All of them, as they are by now."""
        return list(self._now.values())

    @property
    def changed(self) -> list[Balance]:
        """Those that are new or other than they were read."""
        return [one for one in self._now.values() if self._before.get(one.id) != one]

    @property
    def replaced(self) -> list[Balance]:
        """What was read of those that are by now other than they were."""
        changed = (one.id for one in self.changed)
        return [self._before[one] for one in changed if one in self._before]

    def get(self, balance_id: str) -> Balance:
        """Returns one of them.

        Raises:
            NotFound: the customer has no balance of that id.
        """
        if balance_id not in self._now:
            raise NotFound("balance", balance_id)
        return self._now[balance_id]

    def put(self, balance: Balance) -> None:
        """Adds one or replaces it."""
        self._now[balance.id] = balance

    def drop(self, balance_id: str) -> None:
        """Takes one out that never began to hold anything."""
        del self._now[balance_id]

    def give_back(self, invoice_ids: Iterable[str]) -> None:
        """Takes out what some invoices drew, and billed of postpaid commits."""
        given_back = {*invoice_ids}
        for balance in self.balances:
            deductions = [one for one in balance.deductions if one.invoice_id not in given_back]
            trueups = [one for one in balance.trueups if one.invoice_id not in given_back]
            changes = {"deductions": tuple(deductions), "trueups": tuple(trueups)}
            self.put(balance.model_copy(update=changes))

    def effects(self) -> Iterator[Effect]:
        """Yields what writes the changes."""
        for balance in self.changed:
            item = self._items.get(balance.id)
            if item is None:
                yield balances.insert(self._tenant, balance)
            else:
                yield balances.replace(self._tenant, balance, item)
        for balance_id, item in self._items.items():
            if balance_id not in self._now:
                yield balances.remove(item)
