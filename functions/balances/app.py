"""Commits, credits and their balances."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.balance_edits import (
    ArchiveCommit,
    ArchiveCredit,
    DisableTrueup,
    EditCommit,
    EditCredit,
    UpdateCommitEndDate,
    UpdateCreditEndDate,
)
from backbeat.api.schemas.balances import (
    AddManualEntry,
    CreateCustomerCommit,
    CreateCustomerCredit,
    GetNetBalance,
    ListBalances,
    ListCommits,
    ListCredits,
    ListSeatBalances,
)
from backbeat.api.schemas.threshold_billing import ReleaseWorkflow, UpdateActiveRecharge
from backbeat.api.views.balances import balance_view, seat_view
from backbeat.application import (
    active_recharges,
    balance_changes,
    balances,
    payment_gates,
    seat_balances,
)
from backbeat.application.balances import BalanceFilter

api = Api("balances", bootstrap.services)


@api.operation("createCustomerCommit-v1")
def create_customer_commit(request: Request, body: CreateCustomerCommit) -> Reply:
    """Creates a commit of a customer."""
    return ok({"id": balances.create(request.call, body.customer_id, body.to_balance()).id})


@api.operation("createCustomerCredit-v1")
def create_customer_credit(request: Request, body: CreateCustomerCredit) -> Reply:
    """Creates a credit of a customer."""
    return ok({"id": balances.create(request.call, body.customer_id, body.to_balance()).id})


@api.operation("listCustomerBalances-v1")
def list_balances(request: Request, body: ListBalances) -> Reply:
    """Lists commits and credits."""
    return _list(request, body, body.to_filter())


@api.operation("listCustomerCommits-v1")
def list_commits(request: Request, body: ListCommits) -> Reply:
    """Lists commits."""
    return _list(request, body, body.to_filter())


@api.operation("listCustomerCredits-v1")
def list_credits(request: Request, body: ListCredits) -> Reply:
    """Lists credits."""
    return _list(request, body, body.to_filter())


@api.operation("getNetBalance-v1")
def get_net_balance(request: Request, body: GetNetBalance) -> Reply:
    """Adds up what a customer can spend now."""
    net = balances.net(
        request.call,
        body.customer_id,
        credit_type_id=body.credit_type_id,
        filters=[wanted.to_filter() for wanted in body.filters],
        with_drafts=body.invoice_inclusion_mode == "FINALIZED_AND_DRAFT",
    )
    return ok({"balance": net.amount, "credit_type_id": net.credit_type.id})


@api.operation("listSeatBalances-v1")
def list_seat_balances(request: Request, body: ListSeatBalances) -> Reply:
    """Lists what single seats of a contract have."""
    parameters = body.model_dump(exclude={"limit", "cursor"})
    found = seat_balances.shown(request.call, body.customer_id, body.contract_id, body.to_filter())
    page = seat_balances.page(
        found,
        limit=body.limit,
        after=pagination.decode(body.cursor, parameters, field="cursor"),
        with_parts=body.include_credits_and_commits,
    )
    with_ledger = body.include_credits_and_commits and body.include_ledgers
    views = [
        seat_view(one, with_parts=body.include_credits_and_commits, with_ledger=with_ledger)
        for one in page.seats
    ]
    place = {
        "seats_included": len(page.seats),
        "seats_available_for_next_page": page.left,
        "next_page": pagination.encode(page.cursor, parameters),
    }
    return Reply(200, {"data": views, "pagination": place})


@api.operation("addManualBalanceLedgerEntry-v1")
def add_manual_entry(request: Request, body: AddManualEntry) -> Reply:
    """Adds an amount to a segment, or takes it away."""
    balances.add_manual_entry(
        request.call,
        body.customer_id,
        balance_id=body.id,
        contract_id=body.contract_id,
        segment_id=body.segment_id,
        amount=body.amount,
        timestamp=body.timestamp,
        reason=body.reason,
        by_seat=body.per_group_amounts,
        uniqueness_key=body.uniqueness_key,
    )
    return empty()


@api.operation("releaseExternalPaymentGateThresholdCommit-v1")
def release_workflow(request: Request, body: ReleaseWorkflow) -> Reply:
    """Decides a charge that is collected elsewhere."""
    payment_gates.release(request.call, body.workflow_id, paid=body.outcome == "PAID")
    return empty()


@api.operation("updateActiveRechargeConfig-v1")
def update_active_recharge(request: Request, body: UpdateActiveRecharge) -> Reply:
    """Changes the one prepaid threshold that a customer has."""
    active_recharges.update(request.call, body.customer_id, body.to_edit())
    return empty()


@api.operation("editCommit-v2")
def edit_commit(request: Request, body: EditCommit) -> Reply:
    """Changes a commit, all or nothing."""
    balance_changes.edit(request.call, body.customer_id, body.to_update())
    return ok({"id": body.commit_id})


@api.operation("editCredit-v2")
def edit_credit(request: Request, body: EditCredit) -> Reply:
    """Changes a credit, all or nothing."""
    balance_changes.edit(request.call, body.customer_id, body.to_update())
    return ok({"id": body.credit_id})


@api.operation("archiveCommit-v2")
def archive_commit(request: Request, body: ArchiveCommit) -> Reply:
    """Archives a commit."""
    balance_changes.archive(request.call, body.customer_id, body.to_removal())
    return ok({"id": body.commit_id})


@api.operation("archiveCredit-v2")
def archive_credit(request: Request, body: ArchiveCredit) -> Reply:
    """Archives a credit."""
    balance_changes.archive(request.call, body.customer_id, body.to_removal())
    return ok({"id": body.credit_id})


@api.operation("updateCommitEndDate-v1")
def update_commit_end_date(request: Request, body: UpdateCommitEndDate) -> Reply:
    """Ends a customer's commit earlier."""
    balance_changes.end(
        request.call,
        body.customer_id,
        body.commit_id,
        is_commit=True,
        access_ending_before=body.access_ending_before,
        invoices_ending_before=body.invoices_ending_before,
    )
    return ok({"id": body.commit_id})


@api.operation("updateCreditEndDate-v1")
def update_credit_end_date(request: Request, body: UpdateCreditEndDate) -> Reply:
    """Ends a customer's credit earlier."""
    balance_changes.end(
        request.call,
        body.customer_id,
        body.credit_id,
        is_commit=False,
        access_ending_before=body.access_ending_before,
    )
    return ok({"id": body.credit_id})


@api.operation("disableCommitTrueup-v1")
def disable_commit_trueup(request: Request, body: DisableTrueup) -> Reply:
    """Makes sure that what is missing of a postpaid commit is never billed."""
    balance_changes.disable_trueup(request.call, body.customer_id, body.contract_id, body.commit_id)
    return ok({"id": body.commit_id})


def _list(
    request: Request, body: ListBalances | ListCommits | ListCredits, wanted: BalanceFilter
) -> Reply:
    parameters = body.model_dump(exclude={"limit", "next_page"})
    detailed = body.include_balance or body.include_ledgers or body.exclude_zero_balances
    found = balances.shown(request.call, body.customer_id, wanted, detailed=detailed)
    if body.exclude_zero_balances:
        found = [one for one in found if one.worth]
    shown, cursor = pagination.slice_after(
        found,
        position=lambda one: one.position,
        limit=body.limit,
        cursor=pagination.decode(body.next_page, parameters),
        forward=False,
    )
    views = [
        balance_view(one, with_balance=body.include_balance, with_ledger=body.include_ledgers)
        for one in shown
    ]
    return page(views, pagination.encode(cursor, parameters))


handler = api.handler
