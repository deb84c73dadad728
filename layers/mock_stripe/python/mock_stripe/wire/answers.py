"""A request in, an answer out: authenticated, routed, parsed, done once, and never half."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mock_stripe.errors import Failure, InvalidRequest, StripeError
from mock_stripe.ports import Ports
from mock_stripe.resources import work
from mock_stripe.resources.events import API_VERSION
from mock_stripe.wire import faults, forms, replies, routes
from mock_stripe.wire.parameters import parse
from mock_stripe.wire.rendering import expand, shown
from mock_stripe.wire.replies import Reply
from mock_stripe.world import outbox
from mock_stripe.world.turns import in_turn
from mock_stripe.world.world import Object, World

_JSON_PATHS: Final = ("/v2/", "/mock/")

_encoder: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a known key. `path` begins with `/v1` or `/v2`."""

    tenant: str
    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]

    @property
    def parameters(self) -> str:
        """Where the call carries its parameters: only a POST has a body."""
        return self.body if self.method == "POST" else self.query


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over the wire."""

    status: int
    headers: dict[str, str]
    text: str


def answer(ports: Ports, call: Call) -> Answer:
    """Does what a request asks for, once, and returns the answer."""
    request_id = f"req_{ports.ids.new().replace('-', '')[:14]}"
    key = call.headers.get("idempotency-key") if call.method == "POST" else None
    headers = {
        "Request-Id": request_id,
        "Stripe-Version": call.headers.get("stripe-version", API_VERSION),
        **({"Idempotency-Key": key} if key else {}),
    }
    try:
        reply, replayed = _reply(ports, call, key, request_id)
    except StripeError as error:
        reply, replayed = _refusal(error), False
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return Answer(reply.status, {**headers, **reply.headers}, _encoder.encode(reply.body).decode())


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of an attempt, and the world with what it leaves to be sent."""

    reply: Reply
    world: World
    replayed: bool = False


def _reply(ports: Ports, call: Call, key: str | None, request_id: str) -> tuple[Reply, bool]:
    found = routes.find(call.method, call.path)
    params = parse(found.endpoint.schema, _tree(call))
    mark = replies.fingerprint(call.method, call.path, call.parameters)
    swept: int | None = None

    def attempt() -> _Done | None:
        """Returns None if something is due or unsent before."""
        world = ports.world(call.tenant)
        if work.due_now(world) is not None or (world.is_told and swept is None):
            return None
        if world.version == swept:
            world.swept()
        world.request_id, world.idempotency_key = request_id, key
        fault = faults.spend(world, call.method, call.path)
        if fault is not None and not fault.after_work:
            world.commit()
            return _Done(fault.reply(), world)
        if key and (stored := replies.find(world, key, mark)) is not None:
            return _Done(stored, world, replayed=True)
        try:
            body = routes.call(found, world, params)
            reply = Reply(200, expand(world, _rendered(world, body), params.expand))
        except StripeError as error:
            reply = _refusal(error)
            if not error.keeps_changes:
                # Nothing of a refused call stays but its answer.
                world.discard(keep_settings=True)
        if key:
            replies.keep(world, key, mark, reply, v2=call.path.startswith("/v2/"))
        outbox.commit(world)
        return _Done(reply if fault is None else fault.reply(), world)

    while (done := in_turn(call.tenant, attempt)) is None:
        # Out of turn: what is sent may be delivered at once, to somebody who calls again.
        work.catch_up(ports, call.tenant)
        swept = outbox.sweep(ports, call.tenant) or 0
    outbox.send(ports, done.world)
    return done.reply, done.replayed


def _tree(call: Call) -> dict[str, Any]:
    if call.method == "POST" and call.path.startswith(_JSON_PATHS):
        try:
            tree = json.loads(call.body or "{}", parse_float=str)
        except ValueError as error:
            raise InvalidRequest(f"Invalid JSON: {error}") from error
        if not isinstance(tree, dict):
            raise InvalidRequest("Invalid JSON: an object is expected")
        return tree
    return forms.decode(call.parameters)


def _rendered(world: World, body: Object) -> Object:
    """Returns a stored object as it is shown; lists and previews come rendered."""
    return shown(world, body) if "id" in body and body.get("object") != "list" else body


def _refusal(error: StripeError) -> Reply:
    return Reply(error.status, {"error": error.body()})


def refused(error: StripeError) -> Answer:
    """Returns the answer to a call that was refused before it began."""
    reply = _refusal(error)
    return Answer(reply.status, {}, _encoder.encode(reply.body).decode())


def failure(message: str) -> Answer:
    """Returns the answer to what nobody foresaw."""
    return refused(Failure(message))
