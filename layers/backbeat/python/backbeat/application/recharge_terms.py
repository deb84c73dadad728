"""Thresholds as asked for, and as contracts hold them once they fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeVar

from backbeat.application import balances, catalog, gated_commits, rate_cards
from backbeat.application.services import Call
from backbeat.domain import conversions
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import USD, CreditType, add
from backbeat.models.threshold_billing import (
    PrepaidThreshold,
    SpendSpecifier,
    SpendThreshold,
    SpendTracker,
)

S = TypeVar("S", bound=SpendThreshold)

_LEAST: Final = Decimal(5)
_LEAST_ABOVE: Final = Decimal(10)
_CENTS: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class ThresholdEdit:
    """New values of a threshold, by the names of its fields; those of its commit apart."""

    given: Mapping[str, object] = field(default_factory=dict)
    commit: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPrepaid:
    """A prepaid threshold as asked for; its unit goes by id."""

    threshold: PrepaidThreshold
    custom_unit_id: str | None


@dataclass(frozen=True, slots=True)
class NewTracker:
    """A spend tracker as asked for; without a credit type it adds up USD."""

    alias: str
    credit_type_id: str | None
    specifiers: tuple[SpendSpecifier, ...]


@dataclass(frozen=True, slots=True)
class PrepaidEdit:
    """A change of a prepaid threshold. `unit` is a new one's id, and whether any was given."""

    edit: ThresholdEdit
    custom_unit_id: str | None = None
    sets_unit: bool = False


def trackers(
    call: Call, wanted: Sequence[NewTracker], *, field: str = "spend_trackers"
) -> tuple[SpendTracker, ...]:
    """Returns spend trackers of a contract.

    Raises:
        InvalidArgument: two have the same alias, or one's credit type is unknown.
    """
    aliases = [one.alias for one in wanted]
    if len({*aliases}) < len(aliases):
        raise InvalidArgument(f"{field}: their aliases must be different")
    return tuple(
        SpendTracker(
            alias=one.alias,
            credit_type=USD
            if one.credit_type_id is None
            else catalog.credit_type(call, one.credit_type_id),
            specifiers=one.specifiers,
        )
        for one in wanted
    )


def tracked(contract: Contract, added: Sequence[SpendTracker], archived: Sequence[str]) -> Contract:
    """Returns a contract as its thresholds see it with other spend trackers.

    Raises:
        InvalidArgument: one that is to go is not there, or a discount ends by it; an alias that is
            added is in use.
    """
    known = {one.alias for one in contract.spend_trackers}
    for alias in archived:
        if alias not in known:
            raise InvalidArgument(f"archive_spend_trackers: no such spend tracker: {alias}")
        for threshold in (contract.prepaid_threshold, contract.spend_threshold):
            cap = None if threshold is None else threshold.discount_cap
            if cap is not None and cap.tracker_alias == alias:
                raise InvalidArgument(f"archive_spend_trackers: a discount is capped by {alias}")
    kept = [one for one in contract.spend_trackers if one.alias not in archived]
    for one in added:
        if one.alias in {other.alias for other in kept}:
            raise InvalidArgument(f"add_spend_trackers: the alias is in use: {one.alias}")
    return contract.model_copy(update={"spend_trackers": (*kept, *added)})


def prepaid(call: Call, contract: Contract, wanted: NewPrepaid, *, field: str) -> PrepaidThreshold:
    """Returns a contract's prepaid threshold, complete.

    Raises:
        InvalidArgument: names what does not fit.
    """
    unit_id = wanted.custom_unit_id
    unit = None if unit_id is None else catalog.credit_type(call, unit_id)
    threshold = wanted.threshold.model_copy(update={"custom_unit": unit})
    _refuse_bad_prepaid(call, contract, threshold, field)
    return threshold


def spend(call: Call, contract: Contract, wanted: SpendThreshold, *, field: str) -> SpendThreshold:
    """Returns a contract's spend threshold, complete. Raises as `prepaid` does."""
    _refuse_bad(call, contract, wanted, field)
    return wanted


def edited_prepaid(
    call: Call, contract: Contract, wanted: PrepaidEdit, *, field: str
) -> PrepaidThreshold:
    """Returns a contract's prepaid threshold after a change.

    Raises:
        InvalidArgument: it has none, or the change does not fit.
    """
    if contract.prepaid_threshold is None:
        raise InvalidArgument(f"{field}: the contract has none; add it")
    after = _edited(contract.prepaid_threshold, wanted.edit)
    if wanted.sets_unit:
        unit_id = wanted.custom_unit_id
        unit = None if unit_id is None else catalog.credit_type(call, unit_id)
        after = after.model_copy(update={"custom_unit": unit})
    _refuse_bad_prepaid(call, contract, after, field)
    return after


def edited_spend(
    call: Call, contract: Contract, wanted: ThresholdEdit, *, field: str
) -> SpendThreshold:
    """Returns a contract's spend threshold after a change.

    Raises:
        InvalidArgument: it has none, or the change does not fit.
    """
    if contract.spend_threshold is None:
        raise InvalidArgument(f"{field}: the contract has none; add it")
    after = _edited(contract.spend_threshold, wanted)
    _refuse_bad(call, contract, after, field)
    return after


def refuse_second(before: object | None, *, field: str) -> None:
    """Refuses to add what a contract has already."""
    if before is not None:
        raise InvalidArgument(f"{field}: the contract has one; update it")


def _edited(threshold: S, wanted: ThresholdEdit) -> S:
    commit = threshold.commit.model_copy(update=dict(wanted.commit))
    return threshold.model_copy(update={**wanted.given, "commit": commit})


def _refuse_bad_prepaid(
    call: Call, contract: Contract, threshold: PrepaidThreshold, field: str
) -> None:
    _refuse_bad(call, contract, threshold, field)
    unit = threshold.custom_unit
    if unit is not None:
        if contract.rate_card_id is None:
            raise InvalidArgument(f"{field}.custom_credit_type_id: the contract has no rate card")
        conversions.price_of(unit, rate_cards.get(call, contract.rate_card_id))
    cents = _is_in_cents(call, contract, unit)
    # Decision 14: the least amounts are in dollars, or in units of whatever else it is.
    scale = _CENTS if cents else Decimal(1)
    if threshold.threshold_amount < _LEAST * scale:
        raise InvalidArgument(f"{field}.threshold_amount: must be at least {_LEAST * scale}")
    least = add(threshold.threshold_amount, _LEAST_ABOVE * scale)
    if threshold.recharge_to_amount < least:
        raise InvalidArgument(f"{field}.recharge_to_amount: must be at least {least}")


def _is_in_cents(call: Call, contract: Contract, unit: CreditType | None) -> bool:
    if unit is not None:
        return unit.id == USD.id
    if contract.rate_card_id is None:
        return True
    return rate_cards.get(call, contract.rate_card_id).fiat_credit_type.id == USD.id


def _refuse_bad(call: Call, contract: Contract, threshold: SpendThreshold, field: str) -> None:
    if contract.starting_at > call.now:
        raise InvalidArgument(
            "Threshold billing cannot be configured on a contract that has not started yet"
        )
    commit, gate = threshold.commit, threshold.gate
    balances.product_name(call, commit.product_id, f"{field}.commit.")
    balances.refuse_unknown_products(call, commit, f"{field}.commit.")
    if commit.specifiers and (commit.applicable_product_ids or commit.applicable_product_tags):
        raise InvalidArgument(
            f"{field}.commit.specifiers: cannot be combined with applicable products"
        )
    fraction = threshold.payment_fraction
    if fraction is not None and not 0 < fraction <= 1:
        raise InvalidArgument(
            f"{field}.discount_configuration.payment_fraction: must lie between 0 and 1"
        )
    gated_commits.refuse_bad_gate(call, gate, field)
    if gate.on_session:
        raise InvalidArgument(
            f"{field}.payment_gate_config.stripe_config.on_session_payment:"
            " is for commits that are added by hand"
        )
    _refuse_bad_discount(contract, threshold, field)


def _refuse_bad_discount(contract: Contract, threshold: SpendThreshold, field: str) -> None:
    place = f"{field}.discount_configuration"
    cap = threshold.discount_cap
    if cap is None:
        return
    if threshold.payment_fraction is None:
        raise InvalidArgument(f"{place}.cap: needs a payment_fraction")
    if cap.tracker_alias not in {tracker.alias for tracker in contract.spend_trackers}:
        raise InvalidArgument(
            f"{place}.cap.spend_tracker_alias: the contract has no such spend tracker"
        )
