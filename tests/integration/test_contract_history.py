"""Any sequence of changes reads the same through both versions of the API, now and back then."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.integration.worked.world import World

JSON = dict[str, Any]

_NOW = datetime(2025, 1, 1, tzinfo=UTC)
_EDITS = 25
_SHARED = (
    "name",
    "starting_at",
    "ending_before",
    "net_payment_terms_days",
    "total_contract_value",
    "overrides",
    "scheduled_charges",
    "discounts",
    "transitions",
    "usage_statement_schedule",
    "rate_card_id",
    "created_at",
)
"""Fields that both versions show in the same form."""


class Negotiation:
    """A contract that somebody keeps changing."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = _NOW
        self.world = World(self.now.isoformat())
        self.customer = self.world.customer()
        product = self.world.product(self.world.metric())
        self.fee = self.world.product(type="FIXED")
        card = self.world.rate_card()
        self.world.rate(card, product, price=100)
        self.contract = self.world.contract(self.customer, card)
        self.added: set[str] = set()
        self.removed: set[str] = set()

    @property
    def names(self) -> JSON:
        return {"customer_id": self.customer, "contract_id": self.contract}

    def v1(self) -> JSON:
        found: JSON = self.world.post("/v1/contracts/get", self.names)
        return found

    def v2(self, **fields: object) -> JSON:
        found: JSON = self.world.post("/v2/contracts/get", {**self.names, **fields})
        return found

    def change(self) -> None:
        """Makes one random change, a while after the one before."""
        self.now += timedelta(hours=self.random.randint(1, 30))
        self.world.clock(self.now.isoformat())
        self.random.choice(self._changes())()

    def _changes(self) -> list[Callable[[], None]]:
        return [
            self._add_override,
            self._remove_override,
            self._rename,
            self._end,
            self._filter,
            self._amend,
            self._charge,
            self._several,
        ]

    def _edit(self, **changes: object) -> None:
        self.world.post("/v2/contracts/edit", {**self.names, **changes})

    def _override(self) -> JSON:
        return {
            "type": "MULTIPLIER",
            "multiplier": self.random.randint(0, 20) / 10,
            "starting_at": "2025-01-01T00:00:00Z",
            # Beyond every end that is ever set, so that ends cut some of them.
            "ending_before": "2027-01-01T00:00:00Z",
        }

    def _removable(self) -> list[JSON]:
        present = [override["id"] for override in self.v2()["overrides"]]
        return [{"id": id_} for id_ in present if self.random.random() < 0.4]

    def _add_override(self) -> None:
        self._edit(add_overrides=[self._override()])

    def _remove_override(self) -> None:
        self._edit(remove_overrides=self._removable())

    def _rename(self) -> None:
        self._edit(update_contract_name=self.random.choice(["Deal", "Better deal", None]))

    def _end(self) -> None:
        months = self.random.choice([None, 6, 9, 12])
        end = {} if months is None else {"ending_before": f"2026-{months:02}-01T00:00:00Z"}
        self.world.post("/v1/contracts/updateEndDate", {**self.names, **end})

    def _filter(self) -> None:
        self.world.post(
            "/v1/contracts/setUsageFilter",
            {
                **self.names,
                "group_key": "project",
                "group_values": [self.random.choice("abc")],
                "starting_at": f"2025-{self.random.randint(1, 12):02}-01T00:00:00Z",
            },
        )

    def _amend(self) -> None:
        self.world.post(
            "/v1/contracts/amend",
            {
                **self.names,
                "starting_at": "2025-01-01T00:00:00Z",
                "overrides": [self._override()],
                "total_contract_value": self.random.randint(1, 1000),
            },
        )

    def _charge(self) -> None:
        item = {"amount": self.random.randint(1, 99), "timestamp": "2026-02-01T00:00:00Z"}
        charge = {"product_id": self.fee, "schedule": {"schedule_items": [item]}}
        self._edit(add_scheduled_charges=[charge])

    def _several(self) -> None:
        self._edit(
            add_overrides=[self._override(), self._override()],
            remove_overrides=self._removable(),
            update_net_payment_terms_days=self.random.randint(0, 90),
        )


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes_reads_the_same_everywhere(seed: int) -> None:
    deal = Negotiation(seed)
    first = deal.v2()
    moments = []
    for _ in range(_EDITS):
        deal.change()
        v1, v2 = deal.v1(), deal.v2()
        moments.append((deal.now, v2))
        assert _shared(v1["current"]) == _shared(v2)
        assert _filters_of_v1(v1["current"]) == _filters_of_v2(v2)
        assert _shared(v1["initial"]) == _shared(first)

    history = deal.world.post("/v2/contracts/getEditHistory", deal.names)
    assert len(history) == _EDITS
    # Whoever replays the history arrives at the overrides that are there.
    replayed: set[str] = set()
    for edit in history:
        replayed |= {override["id"] for override in edit.get("add_overrides", [])}
        replayed -= {removed["id"] for removed in edit.get("remove_overrides", [])}
    assert replayed == {override["id"] for override in moments[-1][1]["overrides"]}
    # Every moment of the past still reads as it did then.
    for moment, then in moments:
        assert _shared(deal.v2(as_of_date=moment.isoformat())) == _shared(then)
    assert _shared(deal.v2(as_of_date=_NOW.isoformat())) == _shared(first)


def _shared(terms: JSON) -> JSON:
    return {name: terms.get(name) for name in _SHARED}


def _filters_of_v1(terms: JSON) -> list[tuple[str, tuple[str, ...]]]:
    """Returns the starts and values of the filters, later ones over earlier ones."""
    if "usage_filter" not in terms:
        return []
    given = [terms["usage_filter"]["initial"], *terms["usage_filter"]["updates"]]
    held: dict[str, tuple[str, ...]] = {}
    for entry in given:
        held = {start: values for start, values in held.items() if start < entry["starting_at"]}
        held[entry["starting_at"]] = tuple(entry["group_values"])
    return _without_repeats(sorted(held.items()))


def _filters_of_v2(terms: JSON) -> list[tuple[str, tuple[str, ...]]]:
    return _without_repeats(
        [(entry["starting_at"], tuple(entry["group_values"])) for entry in terms["usage_filter"]]
    )


def _without_repeats(
    filters: list[tuple[str, tuple[str, ...]]],
) -> list[tuple[str, tuple[str, ...]]]:
    return [
        entry
        for number, entry in enumerate(filters)
        if number == 0 or filters[number - 1][1] != entry[1]
    ]
