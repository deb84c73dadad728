"""Names of rate cards, for contracts to choose a card by."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from backbeat.application.services import Call
from backbeat.domain import aliases
from backbeat.models.errors import InvalidArgument
from backbeat.models.rates import Alias, AliasSegment, RateCard
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Version


class NewAlias(NamedTuple):
    """A name for a card, and when it stands for it; None is without start or end."""

    name: str
    starting_at: datetime | None
    ending_before: datetime | None


def of_cards(call: Call, cards: Iterable[RateCard]) -> dict[str, list[tuple[str, AliasSegment]]]:
    """Returns, for each card by id, the names it holds and when, in the order they were given."""
    listed = list(cards)
    names = {name for card in listed for name in card.alias_names}
    wanted = {name: keys.rate_card_alias(call.tenant, name) for name in names}
    found = call.store.get_many(wanted.values())
    known = {name: from_item(found[key], Alias) for name, key in wanted.items() if key in found}
    return {
        card.id: [
            (name, segment)
            for name in card.alias_names
            if name in known
            for segment in known[name].segments
            if segment.rate_card_id == card.id
        ]
        for card in listed
    }


def assign(call: Call, work: UnitOfWork, card: RateCard, wanted: Sequence[NewAlias]) -> RateCard:
    """Adds to `work` what gives a card these names instead of the ones it had.

    Returns the card with its new names, which is for the caller to store.

    Raises:
        InvalidArgument: an assignment ends before it starts.
    """
    new: dict[str, list[AliasSegment]] = {name: [] for name in card.alias_names}
    for name, start, end in wanted:
        if start is not None and end is not None and end <= start:
            raise InvalidArgument(f"aliases: {name}: ending_before must be after starting_at")
        segment = AliasSegment(rate_card_id=card.id, starting_at=start, ending_before=end)
        new.setdefault(name, []).append(segment)
    for name, segments in new.items():
        key = keys.rate_card_alias(call.tenant, name)
        item = call.store.get(key)
        before = () if item is None else from_item(item, Alias).segments
        alias = Alias(name=name, segments=aliases.assigned(before, card.id, segments))
        if item is None:
            work.add(Put(to_item(key, alias), Absent()))
        elif alias.segments != before:
            work.add(Put(to_item(key, alias, version=item.version + 1), Version(item.version)))
    names = tuple(dict.fromkeys(alias.name for alias in wanted))
    return card.model_copy(update={"alias_names": names})


def holder(call: Call, name: str, at: datetime) -> str | None:
    """Returns the id of the card that a name stands for at an instant, or None."""
    alias = read(call.store, keys.rate_card_alias(call.tenant, name), Alias)
    return None if alias is None else aliases.holder(alias.segments, at)
