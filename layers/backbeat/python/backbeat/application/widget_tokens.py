"""Tokens that show one customer its own usage, and nothing else, for a few minutes.

A token says whose customer it is about and until when, signed with a key of its owner. It is not
stored: who holds it can read until it ends. Its times are real, also where a sandbox's clock stands
still.

A token may be for pages of some origins only. Its end then says which, signed on its own: browsers
send it with the address of the page, whose policy names them, and it opens nothing by itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from backbeat.application import customers, signed_claims
from backbeat.application.services import Call, Services
from backbeat.models.customers import Customer
from backbeat.models.errors import NotFound, Unauthenticated

LONGEST: Final = timedelta(minutes=15)
"""A page that stays open asks its own server for another token by then."""

_PREFIX: Final = "bbw_"
_PURPOSE: Final = "widget"
_FRAMES: Final = "widget_frames"
_SEPARATOR: Final = "~"
"""Stands before the origins. Signed texts have none."""


class _Claims(msgspec.Struct, array_like=True):
    customer_id: str
    until_seconds: int
    origins: tuple[str, ...] = ()


def issue(
    call: Call, customer_id: str, valid: timedelta, origins: Sequence[str] = ()
) -> tuple[str, datetime]:
    """Returns a token of a customer, and the instant from which on it is worth nothing.

    With `origins`, pages of no others may show the widget.

    Raises:
        NotFound: the customer does not exist.
    """
    customer = customers.get(call, customer_id)
    until = (call.services.clock.now() + min(valid, LONGEST)).replace(microsecond=0)
    claims = _Claims(customer.id, int(until.timestamp()), tuple(origins))
    token = _PREFIX + signed_claims.sign(call, _PURPOSE, msgspec.json.encode(claims))
    if origins:
        frames = signed_claims.sign(call, _FRAMES, msgspec.json.encode(claims.origins))
        token += _SEPARATOR + frames
    return token, until


def framing(services: Services, frames: str) -> tuple[str, ...]:
    """Returns the origins that the end of a token names; none when nobody signed it."""
    try:
        _, content = signed_claims.opened(services, _FRAMES, frames)
    except signed_claims.NotSigned:
        return ()
    return msgspec.json.decode(content, type=tuple[str, ...])


def opened(services: Services, token: str) -> tuple[Call, Customer]:
    """Returns the customer that a token shows, and a call to read it with.

    Raises:
        Unauthenticated: nobody issued it, it has ended, or its customer is no more.
    """
    signed, _, frames = token.removeprefix(_PREFIX).partition(_SEPARATOR)
    try:
        call, content = signed_claims.opened(services, _PURPOSE, signed)
    except signed_claims.NotSigned as error:
        raise Unauthenticated("This is no widget token") from error
    claims = msgspec.json.decode(content, type=_Claims)
    if services.clock.now().timestamp() >= claims.until_seconds:
        raise Unauthenticated("The widget token has ended")
    if claims.origins and framing(services, frames) != claims.origins:
        raise Unauthenticated("The widget token lacks its end, which names the pages that show it")
    try:
        return call, customers.get(call, claims.customer_id)
    except NotFound as error:
        raise Unauthenticated("The widget token's customer is no more") from error
