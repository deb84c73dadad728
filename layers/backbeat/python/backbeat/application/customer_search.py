"""Finding customers by words of their names and aliases, by an alias as it is, or by their id.

Every customer's words are written with the customer. Those of worlds from before that, as older
snapshots are, are gone through once, some with each search.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from backbeat.application import aliases, customers
from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.models.customers import Customer
from backbeat.models.errors import Retryable
from backbeat.models.words import words_in
from backbeat.persistence import customer_words, keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Version

_LOOKED_AT: Final = 1000
"""Words that one search looks at, and customers whose words it makes up for."""

_AT_ONCE: Final = 50


class _WordsKnown(Model):
    """Up to which place customers were gone through; None when all of them are."""

    place: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """Customers that fit. Unless `complete`, some of them may not be found yet: ask again.

    There may be more behind `cursor` also where none was found here.
    """

    customers: list[Customer]
    cursor: str | None
    complete: bool


def page(call: Call, text: str, *, archived: bool, limit: int, cursor: str | None) -> Found:
    """Returns a page of the customers that have words with the beginnings given in a text.

    Whom the text is the id or an alias of comes first.
    """
    complete = _make_up(call)
    named = [one for one in _called(call, text) if archived == (one.archived_at is not None)]
    shown = [] if cursor else list(named)
    known = {one.id for one in named}
    wanted = words_in(text)
    if not wanted:
        return Found(shown, None, complete)
    for looked, (place, customer) in enumerate(_fitting(call, wanted, cursor), start=1):
        if (
            customer is not None
            and customer.id not in known
            and archived == (customer.archived_at is not None)
        ):
            shown.append(customer)
        if len(shown) >= limit or looked >= _LOOKED_AT:
            return Found(shown, place, complete)
    return Found(shown, None, complete)


def _called(call: Call, text: str) -> list[Customer]:
    by_id = read(call.store, keys.customer(call.tenant, text), Customer)
    by_alias = aliases.holder(call, text)
    return list({one.id: one for one in (by_id, by_alias) if one is not None}.values())


def _fitting(
    call: Call, wanted: tuple[str, ...], cursor: str | None
) -> Iterator[tuple[str, Customer | None]]:
    """Yields the places of the longest word's index, with the customer if it fits all words."""
    lead = max(wanted, key=len)
    entries = customer_words.entries(call.store, call.tenant, lead, after=cursor)
    while some := list(islice(entries, _AT_ONCE)):
        found = {one.id: one for one in customers.of_ids(call, [id_ for _, _, id_ in some])}
        for place, word, id_ in some:
            customer = found.get(id_)
            fits = customer is not None and _fits(customer, wanted, lead, word)
            yield place, customer if fits else None


def _fits(customer: Customer, wanted: tuple[str, ...], lead: str, word: str) -> bool:
    """Tells whether a customer has all words, and this is the place of the first that leads."""
    own = customer.words
    leading = [one for one in own if one.startswith(lead)]
    return (
        bool(leading)
        and min(leading) == word
        and all(any(one.startswith(beginning) for one in own) for beginning in wanted)
    )


def _make_up(call: Call) -> bool:
    """Writes the words of some more customers of before; returns whether all are known."""
    key = keys.customer_words_known(call.tenant)
    item = call.store.get(key)
    place = None if item is None else from_item(item, _WordsKnown).place
    if item is not None and place is None:
        return True
    some, place = customers.page_of_all(call, limit=_LOOKED_AT, cursor=place)
    customer_words.remember(call.store, call.tenant, some)
    version = 0 if item is None else item.version
    put = Put(
        to_item(key, _WordsKnown(place=place), version=version + 1),
        Version(version) if version else Absent(),
    )
    work = UnitOfWork(call.store)
    work.add(put)
    # Another search may have done the same meanwhile.
    with suppress(Retryable):
        work.commit()
    return place is None
