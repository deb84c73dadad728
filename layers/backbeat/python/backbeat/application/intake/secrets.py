"""What providers sign their webhooks with: several secrets of an account while one is replaced."""

from datetime import datetime, timedelta
from typing import Final

from backbeat.application import audit, connections
from backbeat.application.services import Call
from backbeat.models.audit import AuditAction
from backbeat.models.base import Model
from backbeat.models.inbound import ProviderName

DEFAULT_OVERLAP: Final = timedelta(hours=24)
"""How long a secret is taken beside the one that replaced it, unless said otherwise."""

_MOST: Final = 5
"""Secrets that are valid at once; the oldest goes first. A parameter of SSM holds 4 KB."""


class _Held(Model):
    text: str
    valid_until: datetime | None = None


class _Ring(Model):
    """Secrets, the latest first. One parameter, so that no crash can separate them."""

    secrets: tuple[_Held, ...] = ()


def valid(call: Call, provider: ProviderName) -> list[str]:
    """Returns the secrets of the caller's account that are valid now, the latest first.

    Where none were set, those of the stage.
    """
    now = call.services.clock.now()
    held = _ring(call, provider).secrets
    if not held:
        return connections.default_webhook_secrets(call, provider)
    return [one.text for one in held if one.valid_until is None or now < one.valid_until]


def add(call: Call, provider: ProviderName, *secrets: str, overlap: timedelta) -> None:
    """Takes webhooks signed with other secrets from now on; those before end after the overlap.

    Several are those of endpoints that lie side by side. Adding the latest ones again changes
    nothing.
    """
    before = _ring(call, provider).secrets
    if [one.text for one in before if one.valid_until is None] == list(secrets):
        return
    now = call.services.clock.now()
    ending = [_ended_by(one, now + overlap) for one in before if one.text not in secrets]
    kept = [one for one in ending if one.valid_until is not None and now < one.valid_until]
    latest = [_Held(text=secret) for secret in secrets]
    ring = _Ring(secrets=(*latest, *kept[: _MOST - len(latest)]))
    action = AuditAction.UPDATE if before else AuditAction.CREATE
    audit.announce(call, "inbound_webhook_secret", provider.value, action)
    connections.keep_as(call, _name(call, provider), ring.model_dump_json(exclude_none=True))


def _ended_by(one: _Held, until: datetime) -> _Held:
    ends = until if one.valid_until is None else min(until, one.valid_until)
    return one.model_copy(update={"valid_until": ends})


def _ring(call: Call, provider: ProviderName) -> _Ring:
    text = connections.kept_as(call, _name(call, provider))
    return _Ring() if text is None else _Ring.model_validate_json(text)


def _name(call: Call, provider: ProviderName) -> str:
    return f"{connections.owner_of(call)}/{provider}_webhook_secrets"
