"""Notifications: in the outbox with the change they tell of, then queued for every target."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from backbeat.application import delivery_log, outbox, targets
from backbeat.application.delivery_log import DeliveryFilter
from backbeat.application.services import Call
from backbeat.models.errors import Conflict, InvalidArgument
from backbeat.models.notifications import Delivery, Notification
from backbeat.persistence import claims
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Queue
from tests.unit.application.conftest import World, make_world

ONE, TWO = "http://one.test/hook", "http://two.test/hook"


@dataclass
class FullQueue:
    """A queue that takes nothing."""

    queue: Queue

    def __getattr__(self, name: str) -> Any:
        if name == "send":
            raise ConnectionError("the queue is away")
        return getattr(self.queue, name)


def notice(call: Call, id_: str = "note") -> Notification:
    body = f'{{"id":"{id_}","type":"test.event"}}'
    return Notification(id=id_, type="test.event", body=body, created_at=call.now)


def tell(call: Call, id_: str = "note") -> None:
    outbox.commit(call, UnitOfWork(call.store), [notice(call, id_)])


def urls(world: World) -> list[str]:
    """Returns where the queued deliveries go, in the order they were queued."""
    found = []
    for message in world.queued_webhooks():
        tenant, key = outbox.addressed(message.body)
        item = world.call(tenant).store.get(key)
        assert item is not None
        found.append(Delivery.model_validate_json(item.doc).url)
    return found


def test_each_target_gets_each_notification(world: World) -> None:
    targets.add(world.call(), ONE)
    world.clock.advance(seconds=1)
    targets.add(world.call(), TWO)
    tell(world.call(), "first")
    tell(world.call(), "second")
    assert urls(world) == [ONE, TWO, ONE, TWO]


def test_without_targets_nothing_is_queued_and_nothing_is_left_to_do(world: World) -> None:
    tell(world.call())
    targets.add(world.call(), ONE)
    world.clock.advance(minutes=10)
    outbox.sweep(world.call())
    assert urls(world) == []


def test_targets_are_a_set(world: World) -> None:
    for url in (ONE, TWO, ONE):
        targets.add(world.call(), url)
        world.clock.advance(seconds=1)
    assert [endpoint.url for endpoint in targets.of_tenant(world.call())] == [ONE, TWO]
    targets.remove(world.call(), ONE)
    targets.remove(world.call(), "http://unknown.test")
    assert [endpoint.url for endpoint in targets.of_tenant(world.call())] == [TWO]
    targets.remove(world.call(), None)
    assert targets.of_tenant(world.call()) == []


def test_targets_belong_to_one_sandbox(world: World) -> None:
    targets.add(world.call("one"), ONE)
    tell(world.call("other"))
    assert urls(world) == []


def test_a_change_that_fails_tells_nothing(world: World) -> None:
    call = world.call()
    targets.add(call, ONE)
    claim = claims.take(call.tenant, "NAME", "acme", "somebody")
    call.store.transact([claim])
    work = UnitOfWork(call.store)
    work.add(claim, otherwise=claims.taken("taken"))
    with pytest.raises(Conflict):
        outbox.commit(call, work, [notice(call)])
    world.clock.advance(minutes=10)
    outbox.sweep(world.call())
    assert urls(world) == []


def test_the_same_fact_is_told_once(world: World) -> None:
    targets.add(world.call(), ONE)
    tell(world.call())
    with pytest.raises(Exception, match="at the same time"):
        tell(world.call())
    assert urls(world) == [ONE]


# What a crash leaves behind


def test_a_queue_that_is_away_does_not_undo_the_change(world: World) -> None:
    call = world.call()
    targets.add(call, ONE)
    full = replace(call.services, webhook_queue=FullQueue(call.services.webhook_queue))
    tell(replace(call, services=full))
    assert urls(world) == []
    # A tick looks after what is older than a minute.
    world.clock.advance(seconds=59)
    outbox.sweep(world.call())
    assert urls(world) == []
    world.clock.advance(seconds=2)
    outbox.sweep(world.call())
    assert urls(world) == [ONE]


def test_what_is_queued_is_not_queued_again(world: World) -> None:
    targets.add(world.call(), ONE)
    tell(world.call())
    assert urls(world) == [ONE]
    world.clock.advance(minutes=10)
    outbox.sweep(world.call())
    assert urls(world) == []


def test_held_notifications_wait_for_whoever_holds_them(world: World) -> None:
    targets.add(world.call(), ONE)
    call = replace(world.call(), held=[])
    tell(call)
    assert urls(world) == []
    assert call.held is not None
    assert len(call.held) == 1
    # If the holder dies, a tick queues them.
    world.clock.advance(minutes=2)
    outbox.sweep(world.call())
    assert urls(world) == [ONE]


def test_a_delivery_that_was_made_but_not_queued_is_queued_by_a_tick(world: World) -> None:
    targets.add(world.call(), ONE)
    call = replace(world.call(), held=[])
    tell(call)
    [item] = call.held or []
    outbox.fan_out(call, item, queued=False)
    assert urls(world) == []
    world.clock.advance(minutes=2)
    outbox.sweep(world.call())
    assert urls(world) == [ONE]
    outbox.sweep(world.call())
    assert urls(world) == []


def test_fanning_out_twice_makes_one_delivery(world: World) -> None:
    targets.add(world.call(), ONE)
    call = replace(world.call(), held=[])
    tell(call)
    [item] = call.held or []
    assert outbox.fan_out(call, item, queued=False) == outbox.fan_out(call, item, queued=False)
    listed, _ = delivery_log.page(world.call(), DeliveryFilter(), limit=10, cursor=None)
    assert len(listed) == 1


# Stages that post to the public only


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "https://127.0.0.1/", "https://10.0.0.7/", "https://[::1]/",
     "https://169.254.169.254/latest", "ftp://hooks.example.com", "hooks.example.com"],
)  # fmt: skip
def test_private_and_unencrypted_targets_are_refused(url: str) -> None:
    public = make_world(BACKBEAT_WEBHOOK_TARGETS="public")
    with pytest.raises(InvalidArgument, match=r"^target: "):
        targets.add(public.call(), url)
    assert targets.of_tenant(public.call()) == []


def test_public_targets_are_taken() -> None:
    public = make_world(BACKBEAT_WEBHOOK_TARGETS="public")
    targets.add(public.call(), "https://hooks.example.com/metronome")
    targets.add(public.call(), "https://8.8.8.8/metronome")
    assert len(targets.of_tenant(public.call())) == 2
