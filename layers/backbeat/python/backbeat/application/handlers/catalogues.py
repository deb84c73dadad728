"""The catalogue that is offered, and setting it up in Metronome."""

from collections.abc import Mapping
from typing import Final

from backbeat.application import connections
from backbeat.application.services import Call
from backbeat.domain.tiers.catalogue import BUILT_IN, plan
from backbeat.domain.tiers.proration import per_month
from backbeat.models.errors import Conflict, InvalidArgument, Retryable
from backbeat.models.tiers import Catalogue, CatalogueSetup, Tier
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.ports.metronome import Metronome, NewPackage
from backbeat.ports.providers import Refused
from backbeat.ports.store import Absent, Put, TransactionCancelled, Version

__all__ = ["BUILT_IN", "applied", "apply", "current", "per_month", "plan", "ready"]

_CREDITS: Final = "Plan credits"
_FEE: Final = "Plan fee"
_CARD: Final = "Plans"
_TAKEN: Final = 409
_CARD_ALIAS: Final = "backbeat-plans"


def current(call: Call) -> Catalogue:
    """Returns what is offered: the catalogue applied last, or the built-in one."""
    setup = applied(call)
    return BUILT_IN if setup is None else setup.catalogue


def applied(call: Call) -> CatalogueSetup | None:
    """Returns the catalogue applied last as it is set up, or None."""
    return read(call.store, keys.catalogue(call.tenant), CatalogueSetup)


def ready(call: Call) -> CatalogueSetup:
    """Returns the catalogue as it is set up, which is done now if it never was.

    Raises:
        ProviderError: Metronome did not do it; it can be tried again.
    """
    return applied(call) or apply(call, BUILT_IN)


def apply(call: Call, catalogue: Catalogue) -> CatalogueSetup:
    """Sets a catalogue up in Metronome and offers it from now on. Repeated, it changes nothing.

    What is there already is found by its name or alias and used, so that it can also be repeated
    after it was interrupted, or by another installation.

    Raises:
        Conflict: the version was applied with other content.
        InvalidArgument: Metronome has no credit type of the name.
        ProviderError: Metronome did not do it; it can be tried again.
        Retryable: another catalogue was applied at the same time.
    """
    item = call.store.get(keys.catalogue(call.tenant))
    before = None if item is None else from_item(item, CatalogueSetup)
    _refuse_other_content(before, catalogue)
    metronome = connections.metronome(call)
    unit = metronome.pricing_units().get(catalogue.credit_unit)
    if unit is None:
        raise InvalidArgument(f"credit_unit: Metronome has no {catalogue.credit_unit}")
    card_id, credit_id, fee_id = _terms(metronome, before)
    setup = CatalogueSetup(
        catalogue=catalogue,
        rate_card_id=card_id,
        credit_type_id=unit,
        credit_product_id=credit_id,
        fee_product_id=fee_id,
        applied_at=call.now,
    )
    setup = setup.model_copy(update={"packages": _packages(metronome, setup)})
    key, version = keys.catalogue(call.tenant), 0 if item is None else item.version
    condition = Absent() if item is None else Version(version)
    try:
        call.store.transact([Put(to_item(key, setup, version=version + 1), condition)])
    except TransactionCancelled:
        # Somebody else was at it: what they stored counts, so that a fee is always one product.
        stored = read(call.store, key, CatalogueSetup)
        if stored is None or stored.catalogue != catalogue:
            raise Retryable("Another catalogue was applied at the same time. Try again.") from None
        return stored
    return setup


def _refuse_other_content(before: CatalogueSetup | None, catalogue: Catalogue) -> None:
    version = catalogue.version
    if before is None or before.catalogue.version != version or before.catalogue == catalogue:
        return
    raise Conflict(f"Version {version} was applied with other content", value=version)


def _terms(metronome: Metronome, before: CatalogueSetup | None) -> tuple[str, str, str]:
    """Returns rate card, credit product and fee product: those of before, else found or made."""
    if before is not None:
        return before.rate_card_id, before.credit_product_id, before.fee_product_id
    products, cards = metronome.products(), metronome.rate_cards()
    return (
        cards.get(_CARD_ALIAS) or metronome.create_rate_card(_CARD, _CARD_ALIAS),
        products.get(_CREDITS) or metronome.create_product(_CREDITS),
        products.get(_FEE) or metronome.create_product(_FEE),
    )


def _packages(metronome: Metronome, setup: CatalogueSetup) -> Mapping[str, str]:
    """Returns the ids of the packages by tier; those that are by quote have none."""
    there = metronome.packages()
    made = {}
    for tier in setup.catalogue.tiers:
        if tier.credits is None:
            continue
        package = _package(tier, setup)
        made[tier.id] = there.get(package.alias) or _made(metronome, package)
    return made


def _made(metronome: Metronome, package: NewPackage) -> str:
    try:
        return metronome.create_package(package)
    except Refused as refused:
        # Somebody else made it in between, perhaps an earlier try of ours.
        made = metronome.packages().get(package.alias)
        if refused.status != _TAKEN or made is None:
            raise
        return made


def _package(tier: Tier, setup: CatalogueSetup) -> NewPackage:
    assert tier.credits is not None  # noqa: S101 - the caller looked
    return NewPackage(
        name=tier.name,
        alias=f"backbeat-{tier.id}-{setup.catalogue.version}",
        rate_card_id=setup.rate_card_id,
        credit_product_id=setup.credit_product_id,
        credit_type_id=setup.credit_type_id,
        monthly_credits=tier.credits,
    )
