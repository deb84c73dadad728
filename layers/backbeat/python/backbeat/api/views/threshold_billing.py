"""Thresholds that charge customers, as the API shows them."""

from typing import Final

from backbeat.api.views.balances import specifier_view
from backbeat.api.views.times import present, timestamp
from backbeat.models.period import Period
from backbeat.models.threshold_billing import (
    DiscountCap,
    PaymentGate,
    PrepaidThreshold,
    SpendThreshold,
    SpendTracker,
    ThresholdCommit,
)


def spend_threshold_view(threshold: SpendThreshold | None) -> dict[str, object] | None:
    """Returns a threshold of spend; None where there is none."""
    if threshold is None:
        return None
    fraction = threshold.payment_fraction
    return present(
        is_enabled=threshold.is_enabled,
        threshold_amount=threshold.threshold_amount,
        commit=_commit_view(threshold.commit),
        payment_gate_config=_gate_view(threshold.gate),
        discount_configuration=None
        if fraction is None
        else present(payment_fraction=fraction, cap=_cap_view(threshold.discount_cap)),
    )


def prepaid_threshold_view(threshold: PrepaidThreshold | None) -> dict[str, object] | None:
    """Returns a threshold of prepaid balance; None where there is none."""
    view = spend_threshold_view(threshold)
    if threshold is None or view is None:
        return None
    unit = threshold.custom_unit
    return {
        **view,
        **present(
            recharge_to_amount=threshold.recharge_to_amount,
            custom_credit_type_id=None if unit is None else unit.id,
            threshold_balance_specifiers=_excluded_view(threshold),
        ),
    }


def _excluded_view(threshold: PrepaidThreshold) -> list[dict[str, object]] | None:
    if not threshold.excluded:
        return None
    excluded = [
        {"custom_field_filters": [one.model_dump(mode="json") for one in filters]}
        for filters in threshold.excluded
    ]
    return [{"exclude": excluded}]


def _commit_view(commit: ThresholdCommit) -> dict[str, object]:
    return present(
        product_id=commit.product_id,
        name=commit.name,
        description=commit.description,
        priority=commit.priority,
        applicable_product_ids=list(commit.applicable_product_ids) or None,
        applicable_product_tags=list(commit.applicable_product_tags) or None,
        specifiers=[specifier_view(one) for one in commit.specifiers] or None,
        rollover_fraction=commit.rollover_fraction,
        duration=None
        if commit.duration is None
        # Seen live: the value is a text here.
        else {"value": str(commit.duration.value), "unit": commit.duration.unit.value},
    )


_WHICH_SPEND: Final = {None: "ANY", True: "DISCOUNTED_ONLY", False: "UNDISCOUNTED_ONLY"}


def spend_tracker_view(tracker: SpendTracker, period: Period | None) -> dict[str, object]:
    """Returns a spend tracker and what it has added up in a usage period."""
    specifiers = [
        present(
            spend_type="COMMIT_PURCHASE",
            sources=[source.value for source in one.sources] or None,
            discounted=_WHICH_SPEND[one.discounted],
        )
        for one in tracker.specifiers
    ]
    return present(
        alias=tracker.alias,
        credit_type_id=tracker.credit_type.id,
        reset_frequency="BILLING_PERIOD",
        applicable_spend_specifiers=specifiers,
        accumulated_spend=None
        if period is None
        else {
            "amount": tracker.accumulated(period),
            "period_starting_at": timestamp(period.starting_at),
            "period_ending_before": timestamp(period.ending_before),
        },
    )


def _cap_view(cap: DiscountCap | None) -> dict[str, object] | None:
    if cap is None:
        return None
    return {"spend_tracker_alias": cap.tracker_alias, "amount": cap.amount}


def _gate_view(gate: PaymentGate) -> dict[str, object]:
    tax = gate.tax
    return present(
        payment_gate_type=gate.type.value,
        tax_type=gate.tax_type.value,
        stripe_config=None
        if gate.stripe_payment is None
        else present(
            payment_type=gate.stripe_payment.value,
            invoice_metadata=gate.invoice_metadata or None,
            on_session_payment=gate.on_session or None,
        ),
        precalculated_tax_config=None
        if tax is None
        else present(tax_amount=tax.amount, tax_name=tax.name),
    )
