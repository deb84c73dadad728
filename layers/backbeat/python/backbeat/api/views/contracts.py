"""Contracts as the API shows them."""

from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.contracts import Contract

_CREATED_BY = "api"


def contract_v1_view(contract: Contract) -> dict[str, object]:
    """Returns the older form: initial terms, amendments, and what they add up to."""
    terms = _terms(contract)
    return present(
        id=contract.id,
        customer_id=contract.customer_id,
        initial=terms,
        current=terms,
        amendments=[],
        custom_fields=contract.custom_fields,
        uniqueness_key=contract.uniqueness_key,
        archived_at=optional(contract.archived_at),
    )


def contract_v2_view(contract: Contract) -> dict[str, object]:
    """Returns the newer, flat form."""
    terms = _terms(contract)
    return present(
        id=contract.id,
        customer_id=contract.customer_id,
        uniqueness_key=contract.uniqueness_key,
        archived_at=optional(contract.archived_at),
        custom_fields=contract.custom_fields,
        **{**terms, "usage_filter": [], "subscriptions": []},
    )


def _terms(contract: Contract) -> dict[str, object]:
    schedule = contract.usage_statement_schedule
    return present(
        name=contract.name,
        created_at=timestamp(contract.created_at),
        created_by=_CREATED_BY,
        starting_at=timestamp(contract.starting_at),
        ending_before=optional(contract.ending_before),
        rate_card_id=contract.rate_card_id,
        net_payment_terms_days=contract.net_payment_terms_days,
        usage_statement_schedule={
            "frequency": schedule.frequency.value,
            "billing_anchor_date": timestamp(schedule.anchor),
        },
        commits=[],
        credits=[],
        recurring_commits=[],
        recurring_credits=[],
        overrides=[],
        scheduled_charges=[],
        discounts=[],
        professional_services=[],
        reseller_royalties=[],
        transitions=[],
    )
