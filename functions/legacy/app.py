"""What the SDKs still carry of the time before contracts: credit grants, plans, billing configs.

Plans were made in a user interface and never through the API, so here there are none: lists are
empty and ids unknown.
"""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.legacy import (
    AddCharge,
    AddPlan,
    BillingConfig,
    CreateGrant,
    EditGrant,
    EntryPage,
    GrantPage,
    ListEntries,
    ListGrants,
    VoidGrant,
)
from backbeat.api.views.legacy import billing_config_view, grant_view, ledger_view
from backbeat.application import credit_grants, customers, provider_configurations
from backbeat.application.provider_configurations import NewConfiguration
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.models.provider_configurations import (
    DeliveryMethod,
    ProviderConfiguration,
    ProviderKind,
)

api = Api("legacy", bootstrap.services)

_PROVIDERS = frozenset(
    {
        *("aws_marketplace", "stripe", "netsuite", "custom", "azure_marketplace"),
        *("quickbooks_online", "workday", "gcp_marketplace", "metronome"),
    }
)


@api.operation("createCreditGrant-v1")
def create_grant(request: Request, body: CreateGrant) -> Reply:
    """Grants credits to a customer."""
    return ok({"id": credit_grants.create(request.call, body.to_grant()).id})


@api.operation("listCreditGrants-v1")
def list_grants(request: Request, query: GrantPage, body: ListGrants) -> Reply:
    """Lists credit grants that are not void."""
    parameters = body.model_dump()
    shown, cursor = pagination.slice_after(
        credit_grants.shown(request.call, body.to_filter()),
        position=lambda one: f"{one.grant.created_at.isoformat()}#{one.grant.id}",
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    return page([grant_view(one) for one in shown], pagination.encode(cursor, parameters))


@api.operation("editCreditGrant-v1")
def edit_grant(request: Request, body: EditGrant) -> Reply:
    """Changes a credit grant."""
    credit_grants.edit(
        request.call,
        body.id,
        name=body.name,
        type_=body.credit_grant_type,
        expires_at=body.expires_at,
    )
    return ok({"id": body.id})


@api.operation("voidCreditGrant-v1")
def void_grant(request: Request, body: VoidGrant) -> Reply:
    """Takes a credit grant back."""
    credit_grants.void(
        request.call,
        body.id,
        release_uniqueness_key=body.release_uniqueness_key,
        void_invoice=body.void_credit_purchase_invoice,
    )
    return ok({"id": body.id})


@api.operation("listCreditLedgerEntries-v1")
def list_entries(request: Request, query: EntryPage, body: ListEntries) -> Reply:
    """Lists the ledgers of customers, by credit type."""
    parameters = body.model_dump()
    found = credit_grants.ledgers(
        request.call,
        body.to_filter(),
        starting_on=body.starting_on,
        ending_before=body.ending_before,
    )
    shown, cursor = pagination.slice_after(
        list(found),
        position=str,
        limit=pagination.DEFAULT_LIMIT,
        cursor=pagination.decode(query.next_page, parameters),
    )
    newest_first = body.sort == "desc"
    views = [
        {
            "customer_id": customer_id,
            "ledgers": [ledger_view(one, newest_first=newest_first) for one in found[customer_id]],
        }
        for customer_id in shown
    ]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("listPlans-v1")
def list_plans(request: Request) -> Reply:
    """Lists no plans."""
    return page([], None)


@api.operation("getPlanDetails-v1")
def get_plan(request: Request) -> Reply:
    """Knows no plan."""
    raise NotFound("plan", request.path["plan_id"])


@api.operation("listPlanCharges-v1")
def list_plan_charges(request: Request) -> Reply:
    """Knows no plan."""
    raise NotFound("plan", request.path["plan_id"])


@api.operation("listPlanCustomers-v1")
def list_plan_customers(request: Request) -> Reply:
    """Knows no plan."""
    raise NotFound("plan", request.path["plan_id"])


@api.operation("listCustomerPlans-v1")
def list_customer_plans(request: Request) -> Reply:
    """Lists no plans of a customer."""
    customers.get(request.call, request.path["customer_id"])
    return page([], None)


@api.operation("addPlanToCustomer-v1")
def add_plan(request: Request, body: AddPlan) -> Reply:
    """Knows no plan that a customer could have."""
    customers.get(request.call, request.path["customer_id"])
    raise NotFound("plan", body.plan_id)


@api.operation("endCustomerPlan-v1")
def end_plan(request: Request) -> Reply:
    """Knows no plan of a customer."""
    customers.get(request.call, request.path["customer_id"])
    raise NotFound("customer plan", request.path["customer_plan_id"])


@api.operation("listCustomerPlanPriceAdjustments-v1")
def list_price_adjustments(request: Request) -> Reply:
    """Knows no plan of a customer."""
    customers.get(request.call, request.path["customer_id"])
    raise NotFound("customer plan", request.path["customer_plan_id"])


@api.operation("addCustomerCharge-v1")
def add_charge(request: Request, body: AddCharge) -> Reply:
    """Knows no plan of a customer whose invoice could have another charge."""
    customers.get(request.call, request.path["customer_id"])
    raise NotFound("customer plan", body.customer_plan_id)


@api.operation("createCustomerBillingConfig-v1")
def create_billing_config(request: Request, body: BillingConfig) -> Reply:
    """Adds a customer's account at a provider that has none there yet."""
    known = _accounts(request)
    if known:
        raise Conflict(
            "The customer has a configuration for this billing provider already.",
            conflicting_id=known[0].id,
        )
    provider = request.path["billing_provider_type"]
    wanted = NewConfiguration(
        ProviderKind.BILLING,
        provider,
        DeliveryMethod.DIRECT_TO_BILLING_PROVIDER,
        None,
        body.to_configuration(provider),
    )
    provider_configurations.add(request.call, [(request.path["customer_id"], wanted)])
    return empty()


@api.operation("getCustomerBillingConfig-v1")
def get_billing_config(request: Request) -> Reply:
    """Returns a customer's account at a provider."""
    return ok(billing_config_view(_account(request)))


@api.operation("deleteCustomerBillingConfig-v1")
def delete_billing_config(request: Request) -> Reply:
    """Archives a customer's account at a provider."""
    account = _account(request)
    provider_configurations.archive(
        request.call, account.customer_id, ProviderKind.BILLING, [account.id]
    )
    return empty()


def _account(request: Request) -> ProviderConfiguration:
    accounts = _accounts(request)
    if not accounts:
        raise NotFound("billing configuration", request.path["billing_provider_type"])
    return accounts[0]


def _accounts(request: Request) -> list[ProviderConfiguration]:
    provider = request.path["billing_provider_type"]
    if provider not in _PROVIDERS:
        raise InvalidArgument("billing_provider_type: no such billing provider")
    found = provider_configurations.of_customer(
        request.call, request.path["customer_id"], ProviderKind.BILLING, include_archived=False
    )
    return [one for one in found if one.provider == provider]


handler = api.handler
