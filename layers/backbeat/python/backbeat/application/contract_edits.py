"""Changing contracts: edits, amendments, end dates and usage filters.

However a change is asked for, it is one `ContractEdit`: applied, recorded and told of at once.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from backbeat.application import (
    balance_claims,
    balances,
    billing,
    charges,
    consequences,
    contract_balances,
    contract_terms,
    contracts,
    customers,
    gated_commits,
    outbox,
    past_balances,
    provider_choices,
    recharge_terms,
    recharge_triggers,
    recurring,
    recurring_terms,
    subscription_changes,
)
from backbeat.application.attempts import insistently
from backbeat.application.balance_book import Book
from backbeat.application.balances import NewBalance
from backbeat.application.charges import WantedCharges
from backbeat.application.contract_terms import NewOverride
from backbeat.application.gated_commits import GatedCommit
from backbeat.application.recharge_terms import NewPrepaid, NewTracker, PrepaidEdit, ThresholdEdit
from backbeat.application.recurring_terms import NewRecurring
from backbeat.application.services import Call
from backbeat.application.subscription_changes import NewSubscription, SubscriptionEdit
from backbeat.domain import contracts as rules
from backbeat.domain import notices, subscriptions
from backbeat.models.balance_edits import BalanceRemoval, BalanceUpdate
from backbeat.models.contracts import Contract, ProviderChoice, UsageFilter
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.customers import Customer
from backbeat.models.edits import Amendment, ContractEdit, EndDate, PaymentTerms, Renaming
from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.models.invoices import InvoiceStatus
from backbeat.models.notifications import Notification
from backbeat.models.provider_configurations import ProviderKind
from backbeat.models.recurring import RecurringUpdate
from backbeat.models.threshold_billing import SpendThreshold
from backbeat.persistence import claims, invoices
from backbeat.persistence import contracts as stored_contracts
from backbeat.persistence.contracts import Stored
from backbeat.persistence.unit_of_work import UnitOfWork

_KEY_USED: Final = "This uniqueness key has already been used."


@dataclass(frozen=True, slots=True)
class Changes:
    """What a contract is to be changed by. Dates lie on UTC hours.

    `allow_ending_before_finalized_invoice` lets the end date cut into periods already billed.
    """

    uniqueness_key: str | None = None
    amendment: Amendment | None = None
    add_overrides: Sequence[NewOverride] = ()
    remove_overrides: Sequence[str] = ()
    charges: WantedCharges = field(default_factory=WantedCharges)
    add_subscriptions: Sequence[NewSubscription] = ()
    update_subscriptions: Sequence[SubscriptionEdit] = ()
    add_recurring: Sequence[NewRecurring] = ()
    update_recurring: Sequence[RecurringUpdate] = ()
    add_prepaid_threshold: NewPrepaid | None = None
    update_prepaid_threshold: PrepaidEdit | None = None
    add_spend_threshold: SpendThreshold | None = None
    update_spend_threshold: ThresholdEdit | None = None
    add_spend_trackers: Sequence[NewTracker] = ()
    archive_spend_trackers: Sequence[str] = ()
    add_balances: Sequence[NewBalance] = ()
    update_balances: Sequence[BalanceUpdate] = ()
    archive_balances: Sequence[BalanceRemoval] = ()
    add_usage_filter: UsageFilter | None = None
    add_billing_provider: ProviderChoice | None = None
    add_revenue_system: ProviderChoice | None = None
    rename: Renaming | None = None
    end: EndDate | None = None
    payment_terms: PaymentTerms | None = None
    allow_ending_before_finalized_invoice: bool = True


def change(call: Call, customer_id: str, contract_id: str, changes: Changes) -> ContractEdit:
    """Changes a contract, all or nothing. Drafts follow at once, finalized invoices stay.

    Raises:
        NotFound: the customer or the contract does not exist.
        InvalidArgument: a change does not fit the contract; none is made.
        Conflict: the uniqueness key was used before.
        Retryable: others kept changing the contract.
    """
    edit, after, gated = insistently(lambda: _change(call, customer_id, contract_id, changes))
    catch_up(call, after)
    if call.services.refuses_failed_gates and _does_nothing(edit):
        gated_commits.refuse_failed(call, gated)
    return edit


def catch_up(call: Call, contract: Contract) -> None:
    """Does what a change made due at once. What others hold meanwhile, the next tick does."""
    with suppress(Retryable):
        insistently(lambda: billing.catch_up(call, contract))
    if recharge_triggers.is_charged(contract):
        billing.charge_now(call, contract)


def record(
    call: Call,
    work: UnitOfWork,
    before: Stored,
    customer: Customer,
    edit: ContractEdit,
    book: Book,
    *,
    gated: Sequence[GatedCommit] = (),
) -> tuple[Contract, list[Notification]]:
    """Adds an edit and all that follows from it to the work, but for what is in the book.

    `gated` are commits it asks for that are to be paid first. Returns the contract as it will be
    and what to tell subscribers.
    """
    after = recurring.follow(call, book, before.contract, rules.edited(before.contract, edit))
    if edit.update_contract_end_date is not None:
        contract_balances.end(call, book, before.contract, edit.update_contract_end_date)
    after = contract_balances.billed(call, book, after)
    after = gated_commits.tracked(call, after, edit.add_balances)
    after, asked_for = gated_commits.begin(
        call, work, after, gated, edit, does_nothing_else=_does_nothing(edit)
    )
    before_it = tuple(past_balances.terms_alone(one) for one in book.replaced)
    edit = edit.model_copy(update={"balances_before": before_it})
    work.add(stored_contracts.replace(call.tenant, before, after))
    work.add(*stored_contracts.append_edit(call.tenant, edit, before=before.contract, after=after))
    if edit.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, balance_claims.EDIT_KEYS, edit.uniqueness_key, edit.id),
            otherwise=claims.taken(_KEY_USED),
        )
    contract_terms.claim_fields(
        call,
        work,
        {
            FieldEntity.SCHEDULED_CHARGE: edit.add_scheduled_charges,
            FieldEntity.DISCOUNT: edit.add_discounts,
            FieldEntity.PROFESSIONAL_SERVICE: edit.add_professional_services,
            FieldEntity.SUBSCRIPTION: edit.add_subscriptions,
        },
    )
    for balance in edit.add_balances:
        balance_claims.claim(call, work, balance)
    work.add(*billing.reschedule(call, after, book.changed))
    recharge_triggers.watch(call, work, after)
    consequences.add(call, work, after.customer_id)
    told = notices.contract_edited(
        after, customer, edit, environment_type=call.services.environment_type
    )
    changed = contract_balances.told(call, book, after, customer, edit)
    return after, [told, *changed, *asked_for]


def blank_edit(call: Call, contract: Contract) -> ContractEdit:
    """Returns a contract's next edit, which does nothing yet."""
    return ContractEdit(
        id=call.services.ids.new(),
        customer_id=contract.customer_id,
        contract_id=contract.id,
        number=contract.edits + 1,
        timestamp=call.now,
    )


def history(call: Call, customer_id: str, contract_id: str) -> list[ContractEdit]:
    """Returns what was done to a contract since its creation, oldest first.

    Raises:
        NotFound: the customer or the contract does not exist.
    """
    contract = contracts.get(call, customer_id, contract_id)
    return stored_contracts.edits(call.store, call.tenant, contract)


def _change(
    call: Call, customer_id: str, contract_id: str, changes: Changes
) -> tuple[ContractEdit, Contract, Sequence[GatedCommit]]:
    customer = customers.get(call, customer_id)
    billing.settle(call, contracts.get(call, customer_id, contract_id))
    before = contracts.stored(call, customer_id, contract_id)
    book = Book(call, customer.id)
    edit, gated = _edit(call, before.contract, changes, book)
    work = UnitOfWork(call.store)
    after, told = record(call, work, before, customer, edit, book, gated=gated)
    work.add(*book.effects())
    outbox.commit(call, work, told)
    return edit, after, gated


def _does_nothing(edit: ContractEdit) -> bool:
    told_by_all = {"id", "customer_id", "contract_id", "number", "timestamp", "uniqueness_key"}
    return not edit.model_dump(exclude=told_by_all, exclude_defaults=True)


def _edit(
    call: Call, contract: Contract, changes: Changes, book: Book
) -> tuple[ContractEdit, Sequence[GatedCommit]]:
    if contract.archived_at is not None:
        raise InvalidArgument("contract_id: the contract is archived")
    known = {override.id for override in contract.overrides}
    for override_id in changes.remove_overrides:
        if override_id not in known:
            raise InvalidArgument(f"remove_overrides: no such override: {override_id}")
    if changes.amendment is not None and changes.amendment.starting_at < contract.starting_at:
        raise InvalidArgument("starting_at: must not be before the contract's")
    if changes.add_usage_filter is not None:
        contracts.refuse_bad_filter(call, contract, changes.add_usage_filter)
    if changes.end is not None:
        _refuse_bad_end(call, contract, changes.end.ending_before, changes=changes)
    prefix = "" if changes.amendment is not None else "add_"
    billed = charges.changes(call, contract, changes.charges, prefix=prefix)
    subscribed = subscription_changes.changes(
        call,
        contract,
        add=changes.add_subscriptions,
        update=changes.update_subscriptions,
        field=f"{prefix}subscriptions",
    )
    templates = recurring_terms.changes(
        call,
        subscriptions.changed(contract, subscribed),
        add=changes.add_recurring,
        update=changes.update_recurring,
        subscription_ids=subscription_changes.temporary_ids(changes.add_subscriptions, subscribed),
        prefix=prefix,
    )
    recurring_ids = recurring_terms.temporary_ids(changes.add_recurring, templates)
    owned = contract_balances.changes(
        call,
        book,
        contract,
        add=changes.add_balances,
        update=changes.update_balances,
        archive=changes.archive_balances,
        prefix=prefix,
    )
    overrides = contract_terms.overrides(
        call, contract, changes.add_overrides, field=f"{prefix}overrides"
    )
    added_trackers = recharge_terms.trackers(
        call, changes.add_spend_trackers, field="add_spend_trackers"
    )
    tracked = recharge_terms.tracked(contract, added_trackers, changes.archive_spend_trackers)
    edit = blank_edit(call, contract).model_copy(
        update={
            **dict(billed),
            **dict(subscribed),
            **dict(templates),
            **dict(owned.changes),
            **_thresholds(call, tracked, changes),
            "add_spend_trackers": added_trackers,
            "archive_spend_trackers": tuple(changes.archive_spend_trackers),
            "uniqueness_key": changes.uniqueness_key,
            "amendment": changes.amendment,
            "add_overrides": tuple(
                balances.naming(
                    recurring_terms.naming(override, recurring_ids), owned.temporary_ids
                )
                for override in overrides
            ),
            "remove_overrides": tuple(changes.remove_overrides),
            "add_usage_filters": ()
            if changes.add_usage_filter is None
            else (changes.add_usage_filter,),
            "add_billing_provider": _chosen(
                call,
                contract,
                changes.add_billing_provider,
                before=contract.billing_provider,
                kind=ProviderKind.BILLING,
            ),
            "add_revenue_system": _chosen(
                call,
                contract,
                changes.add_revenue_system,
                before=contract.revenue_system,
                kind=ProviderKind.REVENUE,
            ),
            "update_contract_name": changes.rename,
            "update_contract_end_date": changes.end,
            "update_net_payment_terms_days": changes.payment_terms,
        }
    )
    return edit, owned.gated


def _thresholds(call: Call, contract: Contract, changes: Changes) -> dict[str, object]:
    found: dict[str, object] = {}
    field = "prepaid_balance_threshold_configuration"
    if changes.add_prepaid_threshold is not None:
        recharge_terms.refuse_second(contract.prepaid_threshold, field=f"add_{field}")
        found["add_prepaid_threshold"] = recharge_terms.prepaid(
            call, contract, changes.add_prepaid_threshold, field=f"add_{field}"
        )
    if changes.update_prepaid_threshold is not None:
        found["update_prepaid_threshold"] = recharge_terms.edited_prepaid(
            call, contract, changes.update_prepaid_threshold, field=f"update_{field}"
        )
    field = "spend_threshold_configuration"
    if changes.add_spend_threshold is not None:
        recharge_terms.refuse_second(contract.spend_threshold, field=f"add_{field}")
        found["add_spend_threshold"] = recharge_terms.spend(
            call, contract, changes.add_spend_threshold, field=f"add_{field}"
        )
    if changes.update_spend_threshold is not None:
        found["update_spend_threshold"] = recharge_terms.edited_spend(
            call, contract, changes.update_spend_threshold, field=f"update_{field}"
        )
    return found


def _chosen(
    call: Call,
    contract: Contract,
    wanted: ProviderChoice | None,
    *,
    before: ProviderChoice | None,
    kind: ProviderKind,
) -> ProviderChoice | None:
    if wanted is None:
        return None
    accounts = provider_choices.accounts_of(call, contract.customer_id)
    # One that was archived since is no longer the contract's.
    if before is not None and any(one.id == before.configuration_id for one in accounts):
        raise InvalidArgument(f"{kind}_configuration: the contract has one already")
    return provider_choices.chosen(wanted, accounts, kind)


def _refuse_bad_end(
    call: Call, contract: Contract, end: datetime | None, *, changes: Changes
) -> None:
    if end is None:
        return
    if end <= contract.starting_at:
        raise InvalidArgument("ending_before: must be after the contract's starting_at")
    if changes.allow_ending_before_finalized_invoice:
        return
    for invoice in invoices.of_customer(call.store, call.tenant, contract.customer_id):
        if (
            invoice.contract_id == contract.id
            and invoice.status is InvoiceStatus.FINALIZED
            and invoice.end_timestamp is not None
            and invoice.end_timestamp > end
        ):
            raise InvalidArgument(
                "ending_before: a finalized invoice reaches beyond it, and"
                " allow_ending_before_finalized_invoice is false"
            )
