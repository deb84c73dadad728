"""Creating contracts."""

from collections.abc import Sequence
from typing import Final

from backbeat.application import (
    balances,
    billing,
    consequences,
    contract_drafting,
    contract_edits,
    contract_terms,
    contracts,
    custom_fields,
    customers,
    gated_commits,
    hierarchies,
    outbox,
    packages,
    provider_choices,
    recharge_triggers,
    transitions,
)
from backbeat.application.attempts import insistently
from backbeat.application.new_contracts import NewContract
from backbeat.application.services import Call
from backbeat.domain import notices
from backbeat.domain.lifecycle import Occurrence, Telling
from backbeat.models.contracts import Contract
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.lifecycle import LifecycleType
from backbeat.models.notifications import Notification
from backbeat.models.provider_configurations import ProviderConfiguration, ProviderKind
from backbeat.persistence import claims
from backbeat.persistence import contracts as persisted
from backbeat.persistence.unit_of_work import UnitOfWork

_UNIQUENESS_KEY: Final = "CONTRACT"
_KEY_USED: Final = "This uniqueness key has already been used."


def create(call: Call, wanted: NewContract) -> Contract:
    """Creates a contract and bills the periods that are over already.

    Raises:
        NotFound: the customer, the rate card or another contract it names does not exist.
        InvalidArgument: the customer is archived, or something does not fit.
        Conflict: the uniqueness key was used before.
    """
    contract = insistently(lambda: _create(call, wanted))
    catch_up(call, contract)
    return contract


def add(
    call: Call,
    work: UnitOfWork,
    customer: Customer,
    wanted: NewContract,
    accounts: Sequence[ProviderConfiguration],
) -> tuple[Contract, list[Notification]]:
    """Adds the creation of a contract to the work. Invoices go to one of the accounts, or none.

    Returns the contract as it will be and what to tell subscribers.

    Raises:
        NotFound: the rate card or another contract it names does not exist.
        InvalidArgument: something does not fit.
    """
    contract = _billed_by(contract_drafting.draw_up(call, wanted), accounts)
    told: list[Notification] = []
    if (
        wanted.hierarchy is not None
        and wanted.hierarchy.parent is not None
        and wanted.transition is not None
        and wanted.hierarchy.parent.contract_id == wanted.transition.from_contract_id
    ):
        raise InvalidArgument("hierarchy_configuration.parent: it ends with the transition")
    if wanted.hierarchy is not None:
        contract = hierarchies.join(call, work, contract, wanted.hierarchy)
    followed = None
    if wanted.transition is not None:
        followed = transitions.follow(call, work, customer, contract, wanted.transition)
        contract = followed.contract
        told += followed.told
    contract, made = balances.with_contract(call, work, contract, wanted.balances)
    contract = gated_commits.tracked(call, contract, made)
    work.add(persisted.insert(call.tenant, contract), persisted.pointer(call.tenant, contract))
    custom_fields.claim(call, work, FieldEntity.CONTRACT, contract.id, contract.custom_fields)
    contract_terms.claim_fields(
        call,
        work,
        {
            FieldEntity.SCHEDULED_CHARGE: contract.scheduled_charges,
            FieldEntity.DISCOUNT: contract.discounts,
            FieldEntity.PROFESSIONAL_SERVICE: contract.professional_services,
            FieldEntity.SUBSCRIPTION: contract.subscriptions,
        },
    )
    if contract.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, contract.uniqueness_key, contract.id),
            otherwise=claims.taken(_KEY_USED),
        )
    work.add(*billing.schedule_first(call, contract, made))
    recharge_triggers.watch(call, work, contract)
    consequences.add(call, work, contract.customer_id)
    environment = call.services.environment_type
    created = notices.contract_created(contract, customer, environment_type=environment)
    with_balances = [
        notices.balance_changed(
            balance,
            contract,
            customer,
            notices.Change.CREATE,
            environment_type=environment,
            at=call.now,
        )
        for balance in (*(() if followed is None else followed.rolled_over), *made)
    ]
    return contract, [*told, created, *with_balances, *_started(call, contract, customer)]


def _started(call: Call, contract: Contract, customer: Customer) -> list[Notification]:
    """Tells of a start that has come already; later ones come with time."""
    if contract.starting_at > call.now:
        return []
    start = Occurrence(
        LifecycleType.CONTRACT_START, contract.starting_at, contract.created_at, contract
    )
    environment = call.services.environment_type
    return [
        notices.occurred(
            Telling(contract.starting_at, start),
            customer,
            environment_type=environment,
            at=call.now,
        )
    ]


def catch_up(call: Call, contract: Contract) -> None:
    """Does what is due at once when a contract begins, or another ends, in the past."""
    for made in contract.transitions:
        earlier = contracts.get(call, contract.customer_id, made.from_contract_id)
        contract_edits.catch_up(call, earlier)
    contract_edits.catch_up(call, contract)


def _create(call: Call, wanted: NewContract) -> Contract:
    customer = customers.get(call, wanted.customer_id)
    if customer.archived_at is not None:
        raise InvalidArgument("customer_id: the customer is archived")
    work = UnitOfWork(call.store)
    contract, told = add(
        call,
        work,
        customer,
        packages.filled_in(call, wanted),
        provider_choices.accounts_of(call, customer.id),
    )
    outbox.commit(call, work, told)
    return contract


def _billed_by(contract: Contract, accounts: Sequence[ProviderConfiguration]) -> Contract:
    billing_provider, revenue_system = contract.billing_provider, contract.revenue_system
    if billing_provider is not None:
        billing_provider = provider_choices.chosen(billing_provider, accounts, ProviderKind.BILLING)
    if revenue_system is not None:
        revenue_system = provider_choices.chosen(revenue_system, accounts, ProviderKind.REVENUE)
    return contract.model_copy(
        update={"billing_provider": billing_provider, "revenue_system": revenue_system}
    )
