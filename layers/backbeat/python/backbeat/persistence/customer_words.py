"""The words that customers are searched by: items beside the customers, in the order of words.

They are written with their customer. One that is made up for later, while the customer is renamed,
may stay behind: what is found by a word counts only if it has that word.
"""

from collections.abc import Iterable, Iterator

from backbeat.models.customers import Customer
from backbeat.persistence import keys
from backbeat.persistence.entities import walk
from backbeat.ports.store import Delete, Effect, Item, Put, Query, Store

ENTITY = "Word"


def remember(store: Store, tenant: str, customers: Iterable[Customer]) -> None:
    """Writes the words of customers, as often as wanted."""
    store.put_many(item for customer in customers for item in _items(tenant, customer))


def changes(tenant: str, before: Customer | None, after: Customer) -> Iterator[Effect]:
    """Yields the effects that write new words of a customer, and take away what it has no longer.

    They belong into the transaction that writes the customer.
    """
    had = {} if before is None else {item.key: item for item in _items(tenant, before)}
    has = {item.key: item for item in _items(tenant, after)}
    yield from (Put(item) for key, item in has.items() if key not in had)
    yield from (Delete(key) for key in had if key not in has)


def entries(
    store: Store, tenant: str, beginning: str, *, after: str | None
) -> Iterator[tuple[str, str, str]]:
    """Yields words with a beginning: the place of each, the word, and the customer's id.

    `after` is the place behind which to go on.
    """
    low, high = keys.prefix_range(beginning)
    pk = keys.customer_words(tenant, beginning)
    # No place is the beginning of another: all end with an id.
    for item in walk(store, Query(pk, low=f"{after}#" if after else low, high=high)):
        place = item.key.sk
        yield place, place.partition("#")[0], keys.customer_of_word(place)


def _items(tenant: str, customer: Customer) -> Iterator[Item]:
    for word in customer.words:
        key = keys.customer_word(tenant, word, customer.created_at, customer.id)
        yield Item(key, ENTITY, b"")
