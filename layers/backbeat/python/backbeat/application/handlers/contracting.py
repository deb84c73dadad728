"""Steps that make and end contracts in Metronome."""

from datetime import datetime

from backbeat.application import connections
from backbeat.application.handlers import catalogues, outcomes
from backbeat.application.handlers.progress import (
    TAKEN,
    Fails,
    Progress,
    metronome_customer_of,
    quoted,
)
from backbeat.application.services import Call
from backbeat.domain.tiers import proration
from backbeat.models.accounts import Account, Operation, Step
from backbeat.ports.metronome import NewContract, NewFee
from backbeat.ports.providers import Refused


def catalogue(call: Call, operation: Operation, account: Account) -> Progress:
    """Finds the package of the plan, setting the catalogue up if that never happened."""
    setup = catalogues.ready(call)
    package = None
    if operation.plan is not None and not operation.plan.by_quote:
        package = setup.packages.get(operation.plan.tier)
        if package is None:
            message = f"{operation.plan.tier} is not set up: apply the catalogue"
            raise Fails(operation, "catalogue_not_applied", message)
    return Progress(operation.model_copy(update={"package_id": package}))


def contract(call: Call, operation: Operation, account: Account) -> Progress:
    """Makes the contract of the new plan."""
    metronome, customer = connections.metronome(call), metronome_customer_of(account)
    quote, setup, key = quoted(operation), catalogues.ready(call), operation.key(Step.CONTRACT)
    plan = operation.plan
    assert plan is not None  # noqa: S101 - only operations with a plan have this step
    wanted = NewContract(
        customer_id=customer,
        starting_at=quote.at,
        name=plan.tier.title(),
        uniqueness_key=key,
        package_id=operation.package_id,
        rate_card_id=setup.rate_card_id,
        credit_product_id=setup.credit_product_id,
        credit_type_id=setup.credit_type_id,
        monthly_credits=plan.credits,
    )
    try:
        id_ = metronome.create_contract(wanted)
    except Refused as refused:
        made = [one for one in metronome.contracts(customer) if one.uniqueness_key == key]
        if refused.status != TAKEN or not made:
            raise
        id_ = made[0].id
    return Progress(operation.model_copy(update={"contract_id": id_}))


def end_old(call: Call, operation: Operation, account: Account) -> Progress:
    """Ends the old contract and what is left of its credits."""
    old, start = operation.old_contract_id, operation.old_contract_start
    if old is None or start is None:
        return Progress(operation)
    metronome, customer = connections.metronome(call), metronome_customer_of(account)
    at = _ends_at(operation)
    contract = next((one for one in metronome.contracts(customer) if one.id == old), None)
    if contract is None or contract.archived:
        return Progress(operation)
    if start >= at:
        # It would end before it began: of a contract of this very hour nothing is left.
        metronome.archive_contract(customer, old)
        return Progress(operation)
    if contract.ending_before is None or contract.ending_before > at:
        metronome.end_contract(customer, old, at)
    for credit in metronome.credits(customer):
        if credit.contract_id == old and credit.starting_at < at < credit.ending_before:
            metronome.end_credits(customer, old, credit.id, at)
    return Progress(operation)


def reopen(call: Call, operation: Operation, account: Account) -> Progress:
    """Lets a contract go on that was to end."""
    if operation.old_contract_id is not None:
        customer = metronome_customer_of(account)
        connections.metronome(call).end_contract(customer, operation.old_contract_id, None)
    return Progress(operation)


def fee(call: Call, operation: Operation, account: Account) -> Progress:
    """Notes in Metronome what was paid, so that its invoices show it too."""
    quote, subscription = quoted(operation), account.subscription
    contract = operation.contract_id or (None if subscription is None else subscription.contract_id)
    fee = NewFee(
        customer_id=metronome_customer_of(account),
        contract_id=contract or "",
        product_id=catalogues.ready(call).fee_product_id,
        name=outcomes.line_text(operation),
        at=quote.at,
        amount=quote.net * 100,
        uniqueness_key=operation.key(Step.FEE),
    )
    try:
        connections.metronome(call).add_fee(fee)
    except Refused as refused:
        if refused.status != TAKEN:
            raise
    return Progress(operation)


def _ends_at(operation: Operation) -> datetime:
    if operation.quote is not None:
        return operation.quote.at
    return proration.hour_of(operation.ends_at or operation.created_at)
