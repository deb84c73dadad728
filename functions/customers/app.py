"""Customers and ingest aliases."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.customers import (
    CreateCustomer,
    ListCustomers,
    SetIngestAliases,
    SetName,
)
from backbeat.api.views.customers import customer_detail_view, customer_view
from backbeat.application import aliases, customers
from backbeat.models.customers import Customer

api = Api("customers", bootstrap.services)


@api.operation("createCustomer-v1")
def create_customer(request: Request, body: CreateCustomer) -> Reply:
    """Creates a customer."""
    external = [] if body.external_id is None else [body.external_id]
    customer = customers.create(
        request.call,
        name=body.name,
        ingest_aliases=[*external, *body.ingest_aliases],
        custom_fields=body.custom_fields,
    )
    return ok(customer_view(customer))


@api.operation("listCustomers-v1")
def list_customers(request: Request, query: ListCustomers) -> Reply:
    """Lists customers, or finds them by alias or ids."""
    if query.ingest_alias is not None:
        found = aliases.holder(request.call, query.ingest_alias)
        matching = [] if found is None else [found]
        return page(_shown(matching, archived=query.only_archived), None)
    if query.customer_ids is not None:
        matching = customers.of_ids(request.call, query.customer_ids.split(","))
        return page(_shown(matching, archived=query.only_archived), None)
    parameters = query.model_dump(include={"only_archived"})
    listed, cursor = customers.page(
        request.call,
        archived=query.only_archived,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [customer_detail_view(customer) for customer in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getCustomer-v1")
def get_customer(request: Request) -> Reply:
    """Returns one customer."""
    return ok(customer_detail_view(customers.get(request.call, request.path["customer_id"])))


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


def _shown(found: list[Customer], *, archived: bool) -> list[dict[str, object]]:
    return [
        customer_detail_view(customer)
        for customer in found
        if (customer.archived_at is not None) is archived
    ]


handler = api.handler
