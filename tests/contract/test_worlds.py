"""Snapshots on every store: what is restored is what was saved."""

import random
from dataclasses import replace

from backbeat import bootstrap
from backbeat.adapters.clock import StoredClock
from backbeat.application import customers, sandboxes, snapshots, worlds
from backbeat.application.services import Call
from backbeat.config import Config
from backbeat.persistence import keys
from backbeat.ports.store import Item, Store


def call_on(store: Store, owner: str) -> Call:
    config = Config.model_validate({"BACKBEAT_STATE": ":memory:", "BACKBEAT_SANDBOX": "on"})
    built = bootstrap.build(config)
    services = replace(
        built,
        store=store,
        clock_for=lambda tenant: StoredClock(store, tenant, built.clock),
        forget=lambda tenant: None,
    )
    return sandboxes.call_of(services, owner)


def test_what_is_restored_is_what_was_saved(store: Store) -> None:
    call = call_on(store, "t0123456789abcdef")
    customer = customers.create(call, name="Acme", ingest_aliases=["acme"], custom_fields={})
    # Enough for several pages, and too random to be compressed.
    noise = [Item(keys.entity(call.tenant, "NOISE", str(n)), "Noise", _noise(n)) for n in range(9)]
    store.put_many(noise)
    saved = worlds.document(call)
    head = snapshots.save(call, "before")
    assert head.pages > 1

    customers.create(call, name="Other", ingest_aliases=[], custom_fields={})
    restored = snapshots.restore(call, "before")
    assert restored.tenant != call.tenant
    assert worlds.document(restored) == saved
    assert customers.get(restored, customer.id) == customer

    file = snapshots.unpack(snapshots.packed_of(restored, "before"))
    other = worlds.load(call_on(store, "tfedcba9876543210"), file)
    assert worlds.document(other) == saved
    assert customers.get(other, customer.id) == customer


def _noise(number: int) -> bytes:
    source = random.Random(number)
    return f'"{source.randbytes(60_000).hex()}"'.encode()
