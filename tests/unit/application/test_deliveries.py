"""Deliveries: signed at each attempt, leased, retried, given up, in order."""

import hashlib
import hmac
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

import pytest

from backbeat.application import deliveries, delivery_log, outbox, targets, webhook_secrets
from backbeat.application.deliveries import Outcome
from backbeat.application.delivery_log import DeliveryFilter
from backbeat.application.services import Call
from backbeat.models.notifications import Delivery, DeliveryState, Notification
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.http import HttpFailure, HttpReply
from backbeat.ports.store import Key
from tests.unit.application.conftest import NOON, Posted, World, make_world
from tests.unit.builders import utc

ONE, TWO = "http://one.test/hook", "http://two.test/hook"
BODY = '{"id":"note","type":"test.event"}'


def told(world: World, id_: str = "note", *, to: str = ONE) -> Key:
    """Subscribes a target, tells it something, and returns the queued delivery."""
    targets.add(world.call(), to)
    tell(world.call(), id_)
    [message] = world.queued_webhooks()
    return outbox.addressed(message.body)[1]


def tell(call: Call, id_: str = "note") -> None:
    note = Notification(
        id=id_, type="test.event", body=BODY.replace("note", id_), created_at=call.now
    )
    outbox.commit(call, UnitOfWork(call.store), [note])


def delivery(world: World, key: Key) -> Delivery:
    item = world.services.store.get(key)
    assert item is not None
    return Delivery.model_validate_json(item.doc)


def statuses(world: World, key: Key) -> list[int | None]:
    return [attempt.status for attempt in delivery(world, key).attempts]


def check_signature(posted: Posted, secret: str) -> None:
    date = posted.headers["X-Metronome-Date"]
    assert posted.headers["Date"] == date
    text = date.encode() + b"\n" + posted.body
    expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    assert posted.headers["Metronome-Webhook-Signature"] == expected


def test_a_delivery_is_posted_signed(world: World) -> None:
    webhook_secrets.replace(world.call(), "whsec")
    key = told(world)
    assert deliveries.deliver(world.call(), key) is Outcome.DONE
    [posted] = world.targets.posted
    assert (posted.url, posted.body) == (ONE, BODY.encode())
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["Date"] == "Sun, 15 Jun 2025 12:00:00 GMT"
    check_signature(posted, "whsec")
    assert delivery(world, key).state is DeliveryState.DELIVERED
    assert statuses(world, key) == [200]


def test_each_attempt_is_signed_anew_over_the_same_body(world: World) -> None:
    webhook_secrets.replace(world.call(), "first")
    world.targets.answers[ONE] = [500]
    key = told(world)
    deliveries.deliver(world.call(), key)
    webhook_secrets.replace(world.call(), "second")
    world.clock.advance(minutes=5)
    deliveries.deliver(world.call(), key)
    before, after = world.targets.posted
    check_signature(before, "first")
    check_signature(after, "second")
    assert before.body == after.body
    assert parsedate_to_datetime(after.headers["Date"]) == utc("2025-06-15T12:05")


def test_webhooks_bear_real_time_where_the_sandboxs_stands_still(world: World) -> None:
    key = told(world)
    deliveries.deliver(replace(world.call(), now=utc("2030-01-01")), key)
    assert world.targets.posted[0].headers["Date"] == "Sun, 15 Jun 2025 12:00:00 GMT"


def test_signatures_are_checked_with_the_tenants_secret(world: World) -> None:
    webhook_secrets.replace(world.call("one"), "secret of one")
    key = told(world)
    deliveries.deliver(world.call(), key)
    [posted] = world.targets.posted
    signature, date = posted.headers["Metronome-Webhook-Signature"], posted.headers["Date"]

    def is_signed(tenant: str, body: bytes = posted.body) -> bool:
        return deliveries.is_signed(world.call(tenant), signature, date=date, body=body)

    assert is_signed("sandbox")
    # Another sandbox without a secret has the well-known one, too.
    assert is_signed("other")
    assert not is_signed("one")
    assert not is_signed("sandbox", posted.body + b" ")


def test_production_sends_nothing_unsigned() -> None:
    world = make_world(BACKBEAT_SANDBOX="off")
    key = told(world)
    assert deliveries.deliver(world.call(), key) is Outcome.FAILED
    assert world.targets.posted == []
    assert delivery(world, key).attempts[0].error == "no webhook secret is set"
    webhook_secrets.replace(world.call(), "whsec")
    assert deliveries.deliver(world.call(), key) is Outcome.DONE


@pytest.mark.parametrize(
    ("answer", "outcome", "status", "error"),
    [
        (200, Outcome.DONE, 200, None),
        (204, Outcome.DONE, 204, None),
        (299, Outcome.DONE, 299, None),
        # Redirects are not followed: they are no success.
        (302, Outcome.FAILED, 302, None),
        (404, Outcome.FAILED, 404, None),
        (500, Outcome.FAILED, 500, None),
        (HttpFailure("connection refused"), Outcome.FAILED, None, "connection refused"),
    ],
)
def test_what_an_answer_means(
    world: World,
    answer: int | HttpFailure,
    outcome: Outcome,
    status: int | None,
    error: str | None,
) -> None:
    world.targets.answers[ONE] = [answer]
    key = told(world)
    assert deliveries.deliver(world.call(), key) is outcome
    [attempt] = delivery(world, key).attempts
    assert (attempt.at, attempt.status, attempt.error) == (NOON, status, error)
    done = outcome is Outcome.DONE
    expected = DeliveryState.DELIVERED if done else DeliveryState.PENDING
    assert delivery(world, key).state is expected


def test_what_arrived_is_not_sent_again(world: World) -> None:
    key = told(world)
    assert deliveries.deliver(world.call(), key) is Outcome.DONE
    assert deliveries.deliver(world.call(), key) is Outcome.DONE
    assert len(world.targets.posted) == 1


def test_a_delivery_that_is_gone_is_done(world: World) -> None:
    assert deliveries.deliver(world.call(), Key("nobody", "nothing")) is Outcome.DONE
    assert world.targets.posted == []


def test_every_attempt_is_kept(world: World) -> None:
    world.targets.answers[ONE] = [500, HttpFailure("timed out"), 503]
    key = told(world)
    outcomes = [deliveries.deliver(world.call(), key) for _ in range(4)]
    assert outcomes == [Outcome.FAILED, Outcome.FAILED, Outcome.FAILED, Outcome.DONE]
    assert statuses(world, key) == [500, None, 503, 200]


def test_the_last_attempt_gives_up(world: World) -> None:
    world.targets.answers[ONE] = [500, 500]
    key = told(world)
    assert deliveries.deliver(world.call(), key) is Outcome.FAILED
    assert deliveries.deliver(world.call(), key, last=True) is Outcome.GIVEN_UP
    assert delivery(world, key).state is DeliveryState.DEAD


def test_what_was_given_up_is_sent_when_somebody_asks_for_it(world: World) -> None:
    world.targets.answers[ONE] = [500]
    key = told(world)
    deliveries.deliver(world.call(), key, last=True)
    assert deliveries.deliver(world.call(), key) is Outcome.DONE
    assert delivery(world, key).state is DeliveryState.DELIVERED


# The lease


@dataclass
class Meanwhile:
    """A target that, while it is posted to, sees what somebody else's attempt comes to."""

    world: World
    key: Key
    outcome: Outcome | None = None

    def post(self, url: str, **_: object) -> HttpReply:
        self.outcome = deliveries.deliver(self.world.call(), self.key)
        return HttpReply(200, b"")


def test_two_never_send_at_once(world: World) -> None:
    key = told(world)
    slow = Meanwhile(world, key)
    call = replace(world.call(), services=replace(world.services, http=slow))
    assert deliveries.deliver(call, key) is Outcome.DONE
    assert slow.outcome is Outcome.BUSY
    assert world.targets.posted == []
    assert statuses(world, key) == [200]


class Killed(BaseException):
    """Stands for the end of the process."""


@dataclass
class DeadlyTarget:
    """A target during whose POST the process ends."""

    def post(self, url: str, **_: object) -> HttpReply:
        raise Killed


def test_a_lease_ends_with_whoever_held_it(world: World) -> None:
    key = told(world)
    dying = replace(world.services, http=DeadlyTarget())
    with pytest.raises(Killed):
        deliveries.deliver(replace(world.call(), services=dying), key)
    assert deliveries.deliver(world.call(), key) is Outcome.BUSY
    world.clock.advance(seconds=29)
    assert deliveries.deliver(world.call(), key) is Outcome.BUSY
    world.clock.advance(seconds=1)
    assert deliveries.deliver(world.call(), key) is Outcome.DONE


# Waiting


@pytest.mark.parametrize(
    ("attempt", "shortest", "longest"),
    [
        (1, 1, 1),
        (2, 1, 2),
        (3, 2, 4),
        (4, 4, 8),
        (10, 256, 512),
        # 2^10 seconds would be more than 15 minutes.
        (11, 450, 900),
        (200, 450, 900),
        (100_000, 450, 900),
    ],
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(
    world: World, attempt: int, shortest: int, longest: int
) -> None:
    waits = {deliveries.delay_seconds(world.call(), attempt) for _ in range(200)}
    assert shortest <= min(waits)
    assert max(waits) <= longest
    # Jitter: not everybody comes back at the same moment.
    assert len(waits) > 1 or shortest == longest


def test_the_wait_counts_from_the_stages_base() -> None:
    world = make_world(BACKBEAT_WEBHOOK_RETRY_BASE_SECONDS="60")
    waits = [deliveries.delay_seconds(world.call(), attempt) for attempt in (1, 2, 3)]
    assert 30 <= waits[0] <= 60 <= waits[1] <= 120 <= waits[2] <= 240


# In order


def undelivered(world: World, *ids: str) -> list[Key]:
    """Tells several things in a row without queueing them."""
    keys: list[Key] = []
    for id_ in ids:
        call = replace(world.call(), held=[])
        tell(call, id_)
        for item in call.held or []:
            keys += outbox.fan_out(call, item, queued=False)
        world.clock.advance(seconds=1)
    return keys


def posts(world: World) -> list[tuple[str, str]]:
    return [(posted.url, posted.body.decode()[7:8]) for posted in world.targets.posted]


def test_deliveries_go_out_in_order(world: World) -> None:
    targets.add(world.call(), ONE)
    world.clock.advance(seconds=1)
    targets.add(world.call(), TWO)
    keys = undelivered(world, "a", "b")
    deliveries.deliver_in_order(world.call(), keys, failing=set())
    assert posts(world) == [(ONE, "a"), (TWO, "a"), (ONE, "b"), (TWO, "b")]
    assert world.queued_webhooks() == []


def test_what_fails_is_left_to_the_queue_with_all_that_follows_it(world: World) -> None:
    targets.add(world.call(), ONE)
    world.clock.advance(seconds=1)
    targets.add(world.call(), TWO)
    world.targets.answers[ONE] = [500]
    keys = undelivered(world, "a", "b", "c")
    failing: set[str] = set()
    deliveries.deliver_in_order(world.call(), keys, failing=failing)
    # One was tried once and then waited for no longer; Two got everything.
    assert posts(world) == [(ONE, "a"), (TWO, "a"), (TWO, "b"), (TWO, "c")]
    assert len(failing) == 1
    pending = [key for key in keys if delivery(world, key).state is DeliveryState.PENDING]
    assert [delivery(world, key).queued for key in pending] == [True, True, True]
    for key in pending:
        assert deliveries.deliver(world.call(), key) is Outcome.DONE


def test_outstanding_deliveries_are_those_nobody_tried(world: World) -> None:
    targets.add(world.call(), ONE)
    made = undelivered(world, "a")
    untold = replace(world.call(), held=[])
    tell(untold, "b")
    found = deliveries.outstanding(world.call())
    assert found[0] == made[0]
    assert len(found) == 2
    deliveries.deliver_in_order(world.call(), found, failing=set())
    assert posts(world) == [(ONE, "a"), (ONE, "b")]
    assert deliveries.outstanding(world.call()) == []


# The log


def test_the_log_shows_the_latest_first(world: World) -> None:
    targets.add(world.call(), ONE)
    undelivered(world, "a", "b", "c")
    first, cursor = delivery_log.page(world.call(), DeliveryFilter(), limit=2, cursor=None)
    rest, end = delivery_log.page(world.call(), DeliveryFilter(), limit=2, cursor=cursor)
    assert [one.notification_id for one in [*first, *rest]] == ["c", "b", "a"]
    assert end is None


def test_dead_letters_are_the_callers_own(world: World) -> None:
    for tenant, url in (("one", ONE), ("other", TWO)):
        targets.add(world.call(tenant), url)
        tell(world.call(tenant))
    # Received as often as the limit allows and never deleted, messages become dead letters.
    for _ in range(world.services.webhook_max_attempts + 1):
        world.services.webhook_queue.receive(limit=10, wait_seconds=0, visibility_seconds=0)
    for tenant, url in (("one", ONE), ("other", TWO)):
        found, _ = delivery_log.page_of_dead(world.call(tenant), limit=10, cursor=None)
        assert [one.url for one in found] == [url]
    assert delivery_log.page_of_dead(world.call("third"), limit=10, cursor=None) == ([], None)
