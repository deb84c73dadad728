"""Controls of a sandbox: its clock, faults, snapshots, fixtures, log of requests, and its reset.

Only in stages with sandboxes.
"""

from fnmatch import fnmatchcase

from backbeat import bootstrap
from backbeat.api import explaining, fixtures, json
from backbeat.api.replies import Reply, file, ok
from backbeat.api.requests import Request, parse
from backbeat.api.resolver import Api
from backbeat.api.schemas.catalog import CreateCreditType
from backbeat.api.schemas.clock import MoveClock
from backbeat.api.schemas.invoices import PageOfEvents
from backbeat.api.schemas.legacy import UsePlan
from backbeat.api.schemas.payments import ScriptPayments
from backbeat.api.schemas.sandbox import (
    AddFaults,
    CreateManualInvoice,
    FindRequests,
    FindState,
    OfCustomer,
    RestoreSnapshot,
    SaveSnapshot,
    SetBalance,
    SetRateLimit,
)
from backbeat.api.views.invoices import invoice_view
from backbeat.api.views.payments import payment_script_view
from backbeat.api.views.sandbox import (
    fault_view,
    product_balance_view,
    rate_limit_view,
    requests_view,
    snapshot_view,
)
from backbeat.api.views.times import optional, timestamp
from backbeat.application import (
    catalog,
    credit_grants,
    fault_rules,
    faults,
    manual_money,
    payment_controls,
    product_balances,
    rate_limits,
    request_log,
    sandbox_clock,
    sandbox_payments,
    sandboxes,
    snapshots,
    worlds,
)
from backbeat.application.services import Call
from backbeat.models.payments import PaymentOutcome
from backbeat.models.request_log import LoggedRequest

api = Api("sandbox", bootstrap.services)


@api.route("GET", "/mock/clock")
def get_clock(request: Request) -> Reply:
    """Tells the sandbox's time, and whether it stands still."""
    return _clock(request)


@api.route("POST", "/mock/clock")
def move_clock(request: Request, body: MoveClock) -> Reply:
    """Moves the sandbox's clock; what falls due on the way is done, in time order."""
    if body.system:
        sandbox_clock.follow_system(request.call)
    else:
        sandbox_clock.move(request.call, body.target(request.call.now))
    return _clock(request)


@api.route("POST", "/mock/credit-types")
def create_credit_type(request: Request, body: CreateCreditType) -> Reply:
    """Creates a custom pricing unit, for which the documented API has no call (decision D-09)."""
    unit = catalog.create_credit_type(request.call, body.name)
    return ok(unit.model_dump())


@api.route("POST", "/mock/invoices")
def create_manual_invoice(request: Request, body: CreateManualInvoice) -> Reply:
    """Creates a final invoice of given amounts, which nothing is rated for."""
    made = manual_money.invoice(
        request.call,
        manual_money.customer(request.call, body.customer_id),
        body.contract_id,
        lines=[line.to_line() for line in body.line_items],
        credit_type_id=body.credit_type_id,
        issued_at=body.issued_at,
    )
    return ok(invoice_view(made, skip_zero=False))


@api.route("GET", "/mock/balances")
def list_product_balances(request: Request, query: OfCustomer) -> Reply:
    """Adds up what a customer can spend now, by the product that the balances were sold as."""
    customer = manual_money.customer(request.call, query.customer_id)
    found = product_balances.of_customer(request.call, customer.id)
    return ok([product_balance_view(one) for one in found])


@api.route("POST", "/mock/balances")
def set_product_balance(request: Request, body: SetBalance) -> Reply:
    """Makes what a customer can spend under a product be an amount."""
    found = manual_money.set_balance(
        request.call,
        manual_money.customer(request.call, body.customer_id),
        product_id=body.product_id,
        balance=body.balance,
        credit_type_id=body.credit_type_id,
    )
    return ok([product_balance_view(one) for one in found])


@api.route("GET", "/mock/rate-limit")
def get_rate_limit(request: Request) -> Reply:
    """Tells how many calls the token may make."""
    return ok(rate_limit_view(request.call.rate_limit))


@api.route("POST", "/mock/rate-limit")
def set_rate_limit(request: Request, body: SetRateLimit) -> Reply:
    """Gives the token a limit of its own; calls beyond it answer 429. Controls never do."""
    rate_limits.change(request.call, body.to_limit())
    return ok(rate_limit_view(body.to_limit()))


@api.route("DELETE", "/mock/rate-limit")
def remove_rate_limit(request: Request) -> Reply:
    """Goes back to the limit that every token has, if there is one."""
    rate_limits.change(request.call, None)
    return ok(rate_limit_view(request.call.services.rate_limit))


@api.route("POST", "/mock/reset")
def reset(request: Request) -> Reply:
    """Empties the caller's sandbox."""
    sandboxes.reset(request.call)
    return ok({"reset": True})


@api.route("GET", "/mock/faults")
def list_faults(request: Request) -> Reply:
    """Lists what goes wrong on purpose, with how often it did so far."""
    return _faults(request)


@api.route("POST", "/mock/faults")
def add_faults(request: Request, body: AddFaults) -> Reply:
    """Makes calls or webhooks go wrong."""
    new_id = request.call.services.ids.new
    fault_rules.add(request.call, [wanted.to_fault(new_id()) for wanted in body.faults])
    return _faults(request)


@api.route("DELETE", "/mock/faults")
def remove_faults(request: Request) -> Reply:
    """Lets everything go right again."""
    fault_rules.remove(request.call, None)
    return _faults(request)


@api.route("DELETE", "/mock/faults/{fault_id}")
def remove_fault(request: Request) -> Reply:
    """Removes one fault."""
    fault_rules.remove(request.call, request.path["fault_id"])
    return _faults(request)


@api.route("GET", "/mock/payments")
def show_payments(request: Request) -> Reply:
    """Tells what becomes of the next payments, and what became of those so far."""
    return _payments(request)


@api.route("POST", "/mock/payments")
def script_payments(request: Request, body: ScriptPayments) -> Reply:
    """Says what becomes of payments that wait and of the next ones, and which tax there is."""
    owner = body.customer_id or sandbox_payments.EVERYBODY
    payment_controls.refuse_unknown(request.call, owner)
    if body.settle is not None:
        outcome = PaymentOutcome(body.settle)
        intent_id = body.payment_intent_id
        payment_controls.settle(request.call, outcome, payment_intent_id=intent_id)
    tax = None if body.tax is None else body.tax.to_rule()
    payment_controls.extend(request.call, owner, body.outcomes, tax)
    return _payments(request)


@api.route("DELETE", "/mock/payments")
def forget_payment_script(request: Request) -> Reply:
    """Lets all further payments be paid, without tax."""
    payment_controls.forget(request.call)
    return _payments(request)


@api.route("POST", "/mock/plan-usage")
def use_plan(request: Request, body: UsePlan) -> Reply:
    """Charges a customer as a plan of the time before contracts would; credit grants pay."""
    used = credit_grants.use_plan(
        request.call,
        body.customer_id,
        amount=body.amount,
        credit_type_id=body.credit_type_id,
        product_id=body.product_id,
        at=body.at,
    )
    return ok({"id": used.id, "at": timestamp(used.at), "amount": used.amount})


@api.route("GET", "/mock/requests")
def list_requests(request: Request, query: FindRequests) -> Reply:
    """Counts the last calls that fit, and shows the latest of them."""
    found = [one for one in request_log.last(request.call) if _fits(one, query)]
    return ok(requests_view(found, latest=query.latest))


@api.route("DELETE", "/mock/requests")
def forget_requests(request: Request) -> Reply:
    """Begins the log anew."""
    request_log.clear(request.call)
    return ok(requests_view([], latest=0))


@api.route("POST", "/mock/snapshot")
def save_snapshot(request: Request, body: SaveSnapshot) -> Reply:
    """Saves the whole sandbox under a name."""
    return ok(snapshot_view(snapshots.save(request.call, body.name)))


@api.route("GET", "/mock/snapshots")
def list_snapshots(request: Request) -> Reply:
    """Lists the saved sandboxes by name."""
    return ok([snapshot_view(snapshot) for snapshot in snapshots.listed(request.call)])


@api.route("GET", "/mock/snapshots/{name}")
def download_snapshot(request: Request) -> Reply:
    """Returns a saved sandbox as a file that any sandbox can be restored from."""
    name = request.path["name"]
    packed = snapshots.packed_of(request.call, name)
    return file(packed, name=f"{name}.json.gz", content_type="application/gzip")


@api.route("DELETE", "/mock/snapshots/{name}")
def remove_snapshot(request: Request) -> Reply:
    """Removes a saved sandbox."""
    name = request.path["name"]
    snapshots.remove(request.call, name)
    return ok({"name": name})


@api.route("POST", "/mock/restore")
def restore(request: Request) -> Reply:
    """Brings back a saved sandbox: one of a name, or the one in the file that is the body."""
    given = json.loads(request.body or "{}")
    if worlds.is_document(given):
        return _clock(request, worlds.load(request.call, request.body.encode()))
    return _clock(request, snapshots.restore(request.call, parse(given, RestoreSnapshot).name))


@api.route("GET", "/mock/fixtures")
def export_fixtures(request: Request) -> Reply:
    """Returns the present sandbox as a file to load again."""
    document = worlds.document(request.call)
    snapshots.pack(document)
    return file(document, name="world.json", content_type="application/json")


@api.route("POST", "/mock/fixtures")
def load_fixtures(request: Request) -> Reply:
    """Puts a world in the place of the present one: written by hand, or exported before."""
    given = fixtures.parse_text(request.body)
    if worlds.is_document(given):
        worlds.load(request.call, request.body.encode())
        return ok({"ids": {}})
    return ok({"ids": fixtures.load(request.call, parse(given, fixtures.Fixture))})


@api.route("GET", "/mock/state")
def show_state(request: Request, query: FindState) -> Reply:
    """Shows everything that is stored, by kind of thing."""
    state = worlds.everything(request.call)
    counts = {entity: len(found) for entity, found in state.items()}
    shown = {entity: found for entity, found in state.items() if query.entity in (None, entity)}
    now = timestamp(request.call.now)
    return ok({"now": now, "counts": counts, "entities": shown})


@api.route("GET", "/mock/explain/{invoice_id}")
def explain_invoice(request: Request) -> Reply:
    """Lists an invoice's lines with the ids to explain them by, as `GET /explain` does."""
    return explaining.of_invoice(request)


@api.route("GET", "/mock/explain/{invoice_id}/{line_item_id}")
def explain_line(request: Request, query: PageOfEvents) -> Reply:
    """Tells why a line costs what it costs, as `GET /explain` does."""
    return explaining.of_line(request, query)


def _faults(request: Request) -> Reply:
    return ok([fault_view(fault) for fault in faults.of(request.call)])


def _payments(request: Request) -> Reply:
    call = request.call
    return ok(payment_script_view(payment_controls.script(call), payment_controls.collected(call)))


def _fits(one: LoggedRequest, query: FindRequests) -> bool:
    return (
        query.method in (None, one.method)
        and query.operation in (None, one.operation)
        and query.status in (None, one.status)
        and (query.path is None or fnmatchcase(one.path, query.path))
        and (query.contains is None or query.contains in one.body)
    )


def _clock(request: Request, moved: Call | None = None) -> Reply:
    call = moved or request.call
    now = call.services.clock_for(call.tenant).now()
    frozen_at = sandbox_clock.frozen_at(call)
    return ok({"now": timestamp(now), "frozen_at": optional(frozen_at)})


handler = api.handler
