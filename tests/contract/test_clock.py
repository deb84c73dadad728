"""Clocks: the real one, a frozen one, and one per tenant kept in the store."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backbeat.adapters.clock import FrozenClock, StoredClock, SystemClock, decode, encode
from backbeat.ports.store import Delete, Item, Key, Put, Store

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def freeze(store: Store, tenant: str, now: datetime) -> None:
    store.transact([Put(Item(key=Key(tenant, "CLOCK"), entity="clock", doc=encode(now)))])


def test_the_system_clock_tells_real_utc_time() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


def test_a_frozen_clock_stands_still_in_utc() -> None:
    clock = FrozenClock(datetime(2025, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        FrozenClock(naive)
    with pytest.raises(ValueError, match="time zone"):
        encode(naive)
    with pytest.raises(ValueError, match="time zone"):
        decode(b'{"now": "2025-03-01T12:00:00"}')


def test_a_stored_clock_follows_its_base_until_it_is_frozen(store: Store, pk: str) -> None:
    clock = StoredClock(store, pk, FrozenClock(NOON))
    assert clock.now() == NOON
    freeze(store, pk, NOON + timedelta(days=30))
    assert clock.now() == datetime(2025, 3, 31, 12, tzinfo=UTC)
    freeze(store, pk, NOON - timedelta(days=1))
    assert clock.now() == datetime(2025, 2, 28, 12, tzinfo=UTC)
    store.transact([Delete(Key(pk, "CLOCK"))])
    assert clock.now() == NOON


def test_tenants_have_clocks_of_their_own(store: Store, pk: str) -> None:
    freeze(store, pk, NOON + timedelta(days=30))
    assert StoredClock(store, f"{pk}#other", FrozenClock(NOON)).now() == NOON


def test_a_frozen_time_is_stored_as_rfc_3339() -> None:
    assert encode(NOON) == b'{"now": "2025-03-01T12:00:00Z"}'
    moment = datetime(2025, 3, 1, 12, 0, 0, 120_003, tzinfo=UTC)
    assert encode(moment) == b'{"now": "2025-03-01T12:00:00.120003Z"}'
    assert decode(encode(moment)) == moment
    assert decode(b'{"now": "2025-03-01T14:00:00+02:00"}') == NOON
