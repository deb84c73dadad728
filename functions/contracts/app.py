"""Contracts."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.catalog import Page
from backbeat.api.schemas.charges import ScheduleProServicesInvoice, UpdateInvoiceIssueDate
from backbeat.api.schemas.contract_edits import (
    AmendContract,
    EditContract,
    SetUsageFilter,
    UpdateEndDate,
)
from backbeat.api.schemas.contract_schedules import (
    GetContractSchedule,
    ListContractSchedules,
    UpdateContractSchedule,
)
from backbeat.api.schemas.contracts import (
    ArchiveContract,
    ContractOfCustomer,
    CreateContract,
    GetContract,
    GetContractAsOf,
    GetContractRateSchedule,
    ListContracts,
)
from backbeat.api.schemas.invoices import CreateHistoricalInvoices
from backbeat.api.schemas.onboarding import CreateCustomerWithContract
from backbeat.api.schemas.packages import (
    ArchivePackage,
    CreatePackage,
    GetPackage,
    ListContractsOnPackage,
    ListPackages,
    PackagePage,
)
from backbeat.api.schemas.subscriptions import (
    GetSubscriptionQuantityHistory,
    GetSubscriptionSeatsHistory,
)
from backbeat.api.views.contract_rates import contract_rate_view
from backbeat.api.views.contracts import contract_v1_view, contract_v2_view, edit_view
from backbeat.api.views.invoices import invoice_view
from backbeat.api.views.named_schedules import contract_schedule_view, segment_view
from backbeat.api.views.packages import contract_on_package_view, package_view
from backbeat.api.views.subscriptions import quantity_history_view, seats_view
from backbeat.api.views.times import timestamp
from backbeat.application import (
    charges,
    contract_archives,
    contract_creation,
    contract_edits,
    contract_rates,
    contract_reading,
    contract_schedules,
    contracts,
    customers,
    historical_invoices,
    named_schedules,
    onboarding,
    packages,
    subscription_history,
)
from backbeat.application.contract_reading import BalanceDetail
from backbeat.application.services import Call
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument, NotFound

api = Api("contracts", bootstrap.services)


@api.operation("createContract-v1")
def create_contract(request: Request, body: CreateContract) -> Reply:
    """Creates a contract."""
    return ok({"id": contract_creation.create(request.call, body.to_contract()).id})


@api.operation("getContract-v1")
def get_contract_v1(request: Request, body: GetContract) -> Reply:
    """Returns a contract in the older form."""
    [shown] = contract_reading.with_history(
        request.call, [_named(request.call, body)], detail=_detail(body)
    )
    return ok(contract_v1_view(shown))


@api.operation("getContract-v2")
def get_contract_v2(request: Request, body: GetContractAsOf) -> Reply:
    """Returns a contract, now or as it was at an earlier time."""
    [shown] = contract_reading.shown(
        request.call,
        [_named(request.call, body)],
        as_of=body.as_of_date,
        detail=_detail(body),
    )
    return ok(contract_v2_view(shown))


@api.operation("listContracts-v1")
def list_contracts_v1(request: Request, body: ListContracts) -> Reply:
    """Lists a customer's contracts in the older form."""
    found = contract_reading.with_history(
        request.call, _list(request.call, body), detail=_detail(body)
    )
    return ok([contract_v1_view(shown) for shown in found])


@api.operation("listContracts-v2")
def list_contracts_v2(request: Request, body: ListContracts) -> Reply:
    """Lists a customer's contracts."""
    found = contract_reading.shown(request.call, _list(request.call, body), detail=_detail(body))
    return ok([contract_v2_view(shown) for shown in found])


@api.operation("editContract-v2")
def edit_contract(request: Request, body: EditContract) -> Reply:
    """Changes a contract, all or nothing."""
    changes = body.to_changes()
    try:
        customers.get(request.call, body.customer_id)
    except NotFound as unknown:
        unknown.code = "NotFound"
        raise
    try:
        edit = contract_edits.change(request.call, body.customer_id, body.contract_id, changes)
    except NotFound as unknown:
        # The documentation names no 404 for a contract here, but a code.
        refused = InvalidArgument(unknown.message)
        refused.code = unknown.code
        raise refused from unknown
    return ok({"id": edit.id})


@api.operation("getContractEditHistory-v2")
def get_contract_edit_history(request: Request, body: ContractOfCustomer) -> Reply:
    """Lists what was done to a contract since its creation, oldest first."""
    customers.get(request.call, body.customer_id)
    edits = contract_edits.history(request.call, body.customer_id, body.contract_id)
    contract = contracts.get(request.call, body.customer_id, body.contract_id)
    shown = contract_reading.shown_edits(request.call, contract, edits)
    return ok([edit_view(edit) for edit in shown])


@api.operation("createHistoricalContractUsageInvoices-v1")
def create_historical_invoices(request: Request, body: CreateHistoricalInvoices) -> Reply:
    """Prices invoices of the time before, and stores them unless it is a preview."""
    wanted = [one.to_invoice() for one in body.invoices]
    made = historical_invoices.create(request.call, wanted, preview=body.preview)
    return ok([invoice_view(invoice, skip_zero=False) for invoice in made])


@api.operation("amendContract-v1")
def amend_contract(request: Request, body: AmendContract) -> Reply:
    """Adds terms to a contract in the older form."""
    return _changed(request.call, body, body.to_changes())


@api.operation("updateContractEndDate-v1")
def update_contract_end_date(request: Request, body: UpdateEndDate) -> Reply:
    """Moves a contract's end."""
    _changed(request.call, body, body.to_changes())
    return ok({"id": body.contract_id})


@api.operation("setUsageFilter-v1")
def set_usage_filter(request: Request, body: SetUsageFilter) -> Reply:
    """Says which usage a contract rates from an instant on."""
    _changed(request.call, body, body.to_changes())
    return empty()


@api.operation("archiveContract-v1")
def archive_contract(request: Request, body: ArchiveContract) -> Reply:
    """Ends a contract for good."""
    contract_archives.archive(
        request.call, body.customer_id, body.contract_id, void_invoices=body.void_invoices
    )
    return ok({"id": body.contract_id})


@api.operation("getContractRateSchedule-v1")
def get_contract_rate_schedule(
    request: Request, query: Page, body: GetContractRateSchedule
) -> Reply:
    """Lists what a contract pays at an instant."""
    contract = _named(request.call, body)
    at = body.at or request.call.now
    selectors = [selector.to_selector() for selector in body.selectors]
    parameters = body.model_dump()
    found = contract_rates.in_force(request.call, contract, at=at, selectors=selectors)
    shown, cursor = pagination.slice_after(
        found,
        position=lambda entry: f"{entry.entry.rate.sequence:012}",
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [contract_rate_view(entry, at) for entry in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createCustomerWithContract-v1")
def create_customer_with_contract(request: Request, body: CreateCustomerWithContract) -> Reply:
    """Creates a customer and a contract, or neither."""
    wanted = body.contract.to_terms(customer_id="")
    customer, contract = onboarding.create(request.call, body.to_customer(), wanted)
    return ok(
        {
            "customer_id": customer.id,
            "customer_name": customer.name,
            "ingest_aliases": list(customer.ingest_aliases),
            "custom_fields": customer.custom_fields,
            "contract_id": contract.id,
        }
    )


@api.operation("getContractNamedSchedule-v1")
def get_contract_named_schedule(request: Request, body: GetContractSchedule) -> Reply:
    """Returns a named schedule of a contract."""
    segments = named_schedules.segments(
        request.call,
        contract_schedules.owner(request.call, body.customer_id, body.contract_id),
        body.schedule_name,
        covering=body.covering_date,
        properties=body.properties,
    )
    return ok([segment_view(segment) for segment in segments])


@api.operation("updateContractNamedSchedule-v1")
def update_contract_named_schedule(request: Request, body: UpdateContractSchedule) -> Reply:
    """Sets a value of a contract for a stretch of time."""
    named_schedules.update(
        request.call,
        contract_schedules.owner(request.call, body.customer_id, body.contract_id),
        body.schedule_name,
        body.to_segment(),
        properties=body.properties,
    )
    return empty()


@api.operation("listContractsNamedSchedules-v1")
def list_contracts_named_schedules(request: Request, body: ListContractSchedules) -> Reply:
    """Lists the named schedules of a customer's contracts."""
    parameters = body.model_dump(exclude={"limit", "next_page"})
    found = contract_schedules.of_customer(
        request.call,
        body.customer_id,
        contract_id=body.contract_id,
        name=body.schedule_name,
        properties=body.properties,
        covering=body.covering_date,
    )
    shown, cursor = pagination.slice_after(
        found,
        position=lambda entry: entry.position,
        limit=body.limit,
        cursor=pagination.decode(body.next_page, parameters),
    )
    views = [contract_schedule_view(entry.contract_id, entry.schedule) for entry in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createPackage-v1")
def create_package(request: Request, body: CreatePackage) -> Reply:
    """Creates a template of contracts."""
    return ok({"id": packages.create(request.call, body.to_package()).id})


@api.operation("getPackage-v1")
def get_package(request: Request, body: GetPackage) -> Reply:
    """Returns a package."""
    found = packages.get(request.call, body.package_id)
    products = packages.product_names(request.call, [found])
    return ok(package_view(found, products=products))


@api.operation("listPackages-v1")
def list_packages(request: Request, query: PackagePage, body: ListPackages) -> Reply:
    """Lists packages in order of creation."""
    parameters = body.model_dump()
    listed, cursor = packages.page(
        request.call,
        archived=body.archive_filter,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    products = packages.product_names(request.call, listed)
    views = [package_view(found, products=products) for found in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("archivePackage-v1")
def archive_package(request: Request, body: ArchivePackage) -> Reply:
    """Archives a package."""
    packages.archive(request.call, body.package_id)
    return ok({"id": body.package_id})


@api.operation("listContractsOnPackage-v1")
def list_contracts_on_package(request: Request, query: Page, body: ListContractsOnPackage) -> Reply:
    """Lists the contracts made from a package."""
    parameters = body.model_dump()
    listed, cursor = packages.contracts_on(
        request.call,
        body.package_id,
        body.to_filters(),
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [contract_on_package_view(contract) for contract in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getSubscriptionQuantityHistory-v1")
def get_subscription_quantity_history(
    request: Request, body: GetSubscriptionQuantityHistory
) -> Reply:
    """Returns a subscription's quantities and prices so far."""
    history = subscription_history.quantities(
        request.call, body.customer_id, body.contract_id, body.subscription_id
    )
    return ok(quantity_history_view(history))


@api.operation("getSubscriptionSeatsHistory-v1")
def get_subscription_seats_history(request: Request, body: GetSubscriptionSeatsHistory) -> Reply:
    """Lists who has had a subscription's seats, and when."""
    parameters = body.model_dump(exclude={"limit", "cursor"})
    found = subscription_history.seats(
        request.call, body.customer_id, body.contract_id, body.subscription_id
    )
    shown, cursor = pagination.slice_after(
        [stretch for stretch in found if body.wants(stretch)],
        position=lambda stretch: timestamp(stretch.starting_at),
        limit=body.limit,
        cursor=pagination.decode(body.cursor, parameters, field="cursor"),
    )
    return page([seats_view(stretch) for stretch in shown], pagination.encode(cursor, parameters))


@api.operation("scheduleProServicesInvoice-v1")
def schedule_pro_services_invoice(request: Request, body: ScheduleProServicesInvoice) -> Reply:
    """Schedules an invoice for professional services."""
    invoice = charges.bill_services(
        request.call,
        body.customer_id,
        body.contract_id,
        issued_at=body.issued_at,
        wanted=body.to_wanted(),
    )
    return ok([invoice_view(invoice, skip_zero=False)])


@api.operation("updateInvoiceIssueDate-v1")
def update_invoice_issue_date(request: Request, body: UpdateInvoiceIssueDate) -> Reply:
    """Gives the draft of a scheduled invoice another issue date."""
    charges.move_issue_date(request.call, body.invoice_id, body.issue_date)
    return ok({"id": body.invoice_id})


def _changed(call: Call, body: ContractOfCustomer, changes: contract_edits.Changes) -> Reply:
    return ok({"id": contract_edits.change(call, body.customer_id, body.contract_id, changes).id})


def _named(call: Call, body: ContractOfCustomer) -> Contract:
    customers.get(call, body.customer_id)
    return contracts.get(call, body.customer_id, body.contract_id)


def _detail(body: GetContract | ListContracts) -> BalanceDetail:
    return BalanceDetail(worth=body.include_balance, ledger=body.include_ledgers)


def _list(call: Call, body: ListContracts) -> list[Contract]:
    customer = customers.get(call, body.customer_id)
    return [
        contract
        for contract in contracts.of_customer(call, customer)
        if (body.include_archived or contract.archived_at is None)
        and (body.covering_date is None or contract.covers(body.covering_date))
        and (body.starting_at is None or contract.starting_at >= body.starting_at)
    ]


handler = api.handler
