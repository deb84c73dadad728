"""Customers and ingest aliases."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.customers import (
    ArchiveBillingConfigurations,
    ArchiveRevenueConfigurations,
    ById,
    CreateCustomer,
    GetConfigurations,
    ListCustomers,
    SearchCustomers,
    SetBillableStatus,
    SetBillingConfigurations,
    SetIngestAliases,
    SetName,
    SetRevenueConfigurations,
    UpdateConfig,
)
from backbeat.api.schemas.named_schedules import GetCustomerSchedule, UpdateCustomerSchedule
from backbeat.api.views.customers import (
    billable_status_view,
    billing_configuration_view,
    created_billing_configuration_view,
    customer_detail_view,
    customer_view,
    revenue_configuration_view,
)
from backbeat.api.views.named_schedules import segment_view
from backbeat.application import (
    aliases,
    customer_archives,
    customer_search,
    customers,
    named_schedules,
    provider_configurations,
)
from backbeat.application.named_schedules import Owner, OwnerKind
from backbeat.models.customers import Customer
from backbeat.models.provider_configurations import ProviderConfiguration, ProviderKind

api = Api("customers", bootstrap.services)

_BILLING = ProviderKind.BILLING
_REVENUE = ProviderKind.REVENUE


@api.operation("createCustomer-v1")
def create_customer(request: Request, body: CreateCustomer) -> Reply:
    """Creates a customer."""
    customer = customers.create(
        request.call,
        name=body.name,
        ingest_aliases=body.all_aliases,
        custom_fields=body.custom_fields,
        configurations=body.to_configurations(),
    )
    return ok(customer_view(customer))


@api.operation("listCustomers-v1")
def list_customers(request: Request, query: ListCustomers) -> Reply:
    """Lists customers, or finds them by alias or ids."""
    if query.ingest_alias is not None:
        found = aliases.holder(request.call, query.ingest_alias)
        matching = [] if found is None else [found]
        return page(_shown(request, matching, query), None)
    if query.customer_ids is not None:
        parameters = query.model_dump(include={"only_archived", "customer_ids"})
        shown, cursor = pagination.slice_after(
            _shown(request, customers.of_ids(request.call, query.customer_ids), query),
            position=lambda view: str(view["id"]),
            limit=query.limit,
            cursor=pagination.decode(query.next_page, parameters),
        )
        return page(shown, pagination.encode(cursor, parameters))
    parameters = query.model_dump(include={"only_archived", "salesforce_account_ids"})
    listed, cursor = customers.page(
        request.call,
        archived=query.only_archived,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
        salesforce_account_ids=query.salesforce_account_ids,
    )
    views = [customer_detail_view(customer, at=request.call.now) for customer in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.route("GET", "/search/customers")
def search_customers(request: Request, query: SearchCustomers) -> Reply:
    """Finds customers by the beginnings of words of their names or aliases, by an alias or an id.

    Unless `complete`, the words of older customers are still gone through: ask again.
    """
    parameters = query.model_dump(include={"text", "only_archived"})
    found = customer_search.page(
        request.call,
        query.text,
        archived=query.only_archived,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [customer_detail_view(one, at=request.call.now) for one in found.customers]
    next_page = pagination.encode(found.cursor, parameters)
    return Reply(200, {"data": views, "next_page": next_page, "complete": found.complete})


@api.operation("getCustomer-v1", brief=True)
def get_customer(request: Request) -> Reply:
    """Returns one customer."""
    customer = customers.get(request.call, request.path["customer_id"])
    return ok(customer_detail_view(customer, at=request.call.now))


@api.operation("setIngestAliases-v1")
def set_ingest_aliases(request: Request, body: SetIngestAliases) -> Reply:
    """Replaces a customer's aliases."""
    customers.set_ingest_aliases(request.call, request.path["customer_id"], body.ingest_aliases)
    return empty()


@api.operation("setCustomerName-v1")
def set_name(request: Request, body: SetName) -> Reply:
    """Renames a customer."""
    customer = customers.set_name(request.call, request.path["customer_id"], body.name)
    return ok(customer_view(customer))


@api.operation("archiveCustomer-v1")
def archive_customer(request: Request, body: ById) -> Reply:
    """Archives a customer with all contracts."""
    customer_archives.archive(request.call, body.id)
    return ok({"id": body.id})


@api.operation("setCustomerBillableStatus-v1")
def set_billable_status(request: Request, body: SetBillableStatus) -> Reply:
    """Sets from when on a customer's invoices are sent, or are not."""
    customer = customers.set_billable_status(
        request.call, body.customer_id, body.billable_status, body.effective_at
    )
    status = billable_status_view(customer, at=request.call.now)["value"]
    return ok({"id": customer.id, "current_billable_status": status})


@api.operation("updateCustomerConfig-v1")
def update_config(request: Request, body: UpdateConfig) -> Reply:
    """Changes settings of a customer."""
    customers.change(request.call, request.path["customer_id"], **body.changes())
    return empty()


@api.operation("setCustomerBillingProviderConfigurations-v1")
def set_billing_configurations(request: Request, body: SetBillingConfigurations) -> Reply:
    """Adds accounts at billing providers to customers."""
    wanted = [(one.customer_id, one.to_configuration()) for one in body.data]
    made = provider_configurations.add(request.call, wanted)
    return ok([created_billing_configuration_view(one) for one in made])


@api.operation("getCustomerBillingProviderConfigurations-v1")
def get_billing_configurations(request: Request, body: GetConfigurations) -> Reply:
    """Lists a customer's accounts at billing providers."""
    return ok([billing_configuration_view(one) for one in _listed(request, body, _BILLING)])


@api.operation("archiveCustomerBillingProviderConfigurations-v1")
def archive_billing_configurations(request: Request, body: ArchiveBillingConfigurations) -> Reply:
    """Archives accounts at billing providers."""
    ids = body.customer_billing_provider_configuration_ids
    provider_configurations.archive(request.call, body.customer_id, _BILLING, ids)
    # The description promises `success`, the schema an echo: both are there.
    return ok({**body.model_dump(), "success": True})


@api.operation("setCustomerRevenueSystemConfigurations-v1")
def set_revenue_configurations(request: Request, body: SetRevenueConfigurations) -> Reply:
    """Adds accounts at revenue systems to customers."""
    wanted = [(one.customer_id, one.to_configuration()) for one in body.data]
    made = provider_configurations.add(request.call, wanted)
    return ok([revenue_configuration_view(one) for one in made])


@api.operation("getCustomerRevenueSystemConfigurations-v1")
def get_revenue_configurations(request: Request, body: GetConfigurations) -> Reply:
    """Lists a customer's accounts at revenue systems."""
    found = [
        one for one in _listed(request, body, _REVENUE) if body.provider in (None, one.provider)
    ]
    return ok([revenue_configuration_view(one) for one in found])


@api.operation("archiveCustomerRevenueSystemConfigurations-v1")
def archive_revenue_configurations(request: Request, body: ArchiveRevenueConfigurations) -> Reply:
    """Archives accounts at revenue systems."""
    ids = body.customer_revenue_system_configuration_ids
    provider_configurations.archive(request.call, body.customer_id, _REVENUE, ids)
    return ok(body.model_dump())


@api.operation("getCustomerNamedSchedule-v1")
def get_named_schedule(request: Request, body: GetCustomerSchedule) -> Reply:
    """Returns the values of a customer's named schedule."""
    customer = customers.get(request.call, body.customer_id)
    found = named_schedules.segments(
        request.call,
        Owner(OwnerKind.CUSTOMER, customer.id),
        body.schedule_name,
        covering=body.covering_date,
    )
    return ok([segment_view(segment) for segment in found])


@api.operation("updateCustomerNamedSchedule-v1")
def update_named_schedule(request: Request, body: UpdateCustomerSchedule) -> Reply:
    """Sets a value in a customer's named schedule."""
    customer = customers.get(request.call, body.customer_id)
    owner = Owner(OwnerKind.CUSTOMER, customer.id)
    named_schedules.update(request.call, owner, body.schedule_name, body.to_segment())
    return empty()


def _listed(
    request: Request, body: GetConfigurations, kind: ProviderKind
) -> list[ProviderConfiguration]:
    return provider_configurations.of_customer(
        request.call, body.customer_id, kind, include_archived=body.include_archived
    )


def _shown(
    request: Request, found: list[Customer], query: ListCustomers
) -> list[dict[str, object]]:
    return [
        customer_detail_view(customer, at=request.call.now)
        for customer in found
        if (customer.archived_at is not None) is query.only_archived
    ]


handler = api.handler
