"""Reading contracts."""

from datetime import datetime

from backbeat.application import catalog, rate_cards
from backbeat.application.services import Call
from backbeat.domain import periods
from backbeat.models.catalog import Aggregation
from backbeat.models.contracts import Contract, UsageFilter
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.period import Period
from backbeat.persistence import contracts as persisted
from backbeat.persistence.contracts import Stored


def get(call: Call, customer_id: str, contract_id: str) -> Contract:
    """Returns a customer's contract, archived ones included.

    Raises:
        NotFound: the customer has no contract of that id.
    """
    return stored(call, customer_id, contract_id).contract


def stored(call: Call, customer_id: str, contract_id: str) -> Stored:
    """Returns a customer's contract ready to be changed.

    Raises:
        NotFound: the customer has no contract of that id.
    """
    found = persisted.find(call.store, call.tenant, customer_id, contract_id)
    if found is None:
        raise NotFound("contract", contract_id)
    return found


def as_of(call: Call, contract: Contract, instant: datetime) -> Contract:
    """Returns a contract's terms after all edits up to and at an instant.

    What is no term, and so never edited, is as it is now.
    """
    then = persisted.as_of(call.store, call.tenant, contract, instant)
    return _with_facts_of(contract, then)


def after_edits(call: Call, contract: Contract, number: int) -> Contract:
    """Returns a contract's terms after a number of edits, as `as_of` does."""
    then = persisted.after_edits(call.store, call.tenant, contract, number)
    return _with_facts_of(contract, then)


def as_created(call: Call, contract: Contract) -> Contract:
    """Returns a contract's terms before any edit."""
    return _with_facts_of(contract, persisted.as_created(call.store, call.tenant, contract))


def current_period(call: Call, customer: Customer) -> Period:
    """Returns the usage period that runs now.

    Raises:
        InvalidArgument: the customer does not have exactly one running contract.
    """
    running = [
        contract
        for contract in persisted.of_customer(call.store, call.tenant, customer.id)
        if contract.archived_at is None and contract.covers(call.now)
    ]
    if len(running) != 1:
        raise InvalidArgument(
            f"current_period: needs one running contract, the customer has {len(running)}"
        )
    return next(periods.usage_periods_from(running[0], call.now))


def of_customer(call: Call, customer: Customer) -> list[Contract]:
    """Returns a customer's contracts, the latest start first (decision D-07)."""
    everything = persisted.of_customer(call.store, call.tenant, customer.id)
    found = sorted(everything, key=lambda contract: contract.id)
    return sorted(found, key=lambda contract: contract.starting_at, reverse=True)


def refuse_bad_filter(call: Call, contract: Contract, wanted: UsageFilter) -> None:
    """Refuses a usage filter the contract cannot have.

    Raises:
        InvalidArgument: it starts too early, or a product is metered by its latest value.
    """
    if wanted.starting_at < contract.starting_at:
        raise InvalidArgument("starting_at: must not be before the contract's")
    if contract.ending_before is not None and wanted.starting_at >= contract.ending_before:
        raise InvalidArgument("starting_at: must be before the contract's end")
    if contract.rate_card_id is None:
        return
    _, rates = rate_cards.with_rates(call, contract.rate_card_id)
    product_ids = dict.fromkeys(rate.product_id for rate in rates)
    metrics = {metric.id: metric for metric in catalog.metrics(call)}
    for product in catalog.products_of_ids(call, [*product_ids]):
        metric = metrics.get(product.state_at(wanted.starting_at).billable_metric_id or "")
        # Decision D-22: what would be the latest value of some events only is refused up front.
        if metric is not None and metric.aggregation_type is Aggregation.LATEST:
            raise InvalidArgument(
                f"group_key: product {product.id} is metered by its latest value, which cannot"
                " be filtered"
            )


def _with_facts_of(now: Contract, then: Contract) -> Contract:
    return then.model_copy(
        update={
            name: getattr(now, name)
            for name in (
                "archived_at",
                "child_role",
                "custom_fields",
                "edits",
                "issue_dates",
                "open_gates",
                "open_workflow_id",
                "parent_role",
                "professional_service_invoices",
                "spend_trackers",
                "transitions",
                "workflows",
            )
        }
    )
