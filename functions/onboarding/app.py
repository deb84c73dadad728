"""The billing handlers: onboarding, tiers, payments and what a product asks about them."""

from typing import Final

from backbeat import bootstrap
from backbeat.api import handling, pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.handlers import (
    AddCard,
    ApplyCatalogue,
    Cancel,
    ChangeTier,
    CheckEntitlement,
    ListCustomers,
    ListOperations,
    Onboard,
    PreviewChange,
    Reactivate,
    Retry,
)
from backbeat.api.views import handlers as views
from backbeat.application.handlers import (
    accounts,
    cards,
    catalogues,
    entitlements,
    operations,
    settlements,
    statements,
    subscribing,
)
from backbeat.models.tiers import When

api = Api("onboarding", bootstrap.services)


@api.route("POST", "/api/onboard", successes=(200, 201, 202))
@handling.by_provider
def onboard(request: Request, body: Onboard) -> Reply:
    """Makes an entity a customer with a plan, which begins once it is paid."""
    call = request.call
    entity = body.entity.to_entity(call.services.ids.new())
    plan = body.to_plan(catalogues.current(call))
    changed = subscribing.onboard(call, entity, plan, body.paymentMethodId)
    shown = views.onboarded_view(changed, handling.to_complete(call, changed.operation))
    return handling.reply(changed.operation, shown, created=True)


@api.route("GET", "/api/onboarding/{entity_id}")
def get_onboarding(request: Request) -> Reply:
    """Tells how far an entity's onboarding is."""
    account = accounts.get(request.call, request.path["entity_id"])
    subscription = account.subscription
    operation = handling.under_way(request.call, account)
    return Reply(
        200,
        {
            "onboarded": subscription is not None and subscription.contract_id is not None,
            "metronomeCustomerId": account.metronome_customer_id,
            "stripeCustomerId": account.stripe_customer_id,
            "contractId": None if subscription is None else subscription.contract_id,
            "status": None if subscription is None else subscription.status.value,
            "operation": None if operation is None else views.operation_view(operation),
        },
    )


@api.route("GET", "/api/customers")
@handling.by_provider
def list_customers(request: Request, query: ListCustomers) -> Reply:
    """Lists entities in order of onboarding, with their credits as they are now."""
    call = request.call
    parameters = query.model_dump(exclude={"limit", "next_page"}, exclude_none=True)
    which = accounts.AccountFilter(query.search, query.tier, query.status)
    listed, cursor = accounts.page(
        call,
        which,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    rows = [
        views.account_row(account, statements.credits_of(call, account).balance)
        for account in listed
    ]
    next_page = pagination.encode(cursor, parameters)
    counted = accounts.count(call, which)
    more = {} if counted.is_all else {"totalAtLeast": counted.number}
    total = counted.number if counted.is_all else None
    return Reply(200, {"data": rows, "next_page": next_page, "total": total, **more})


@api.route("GET", "/api/subscription/{entity_id}")
@handling.by_provider
def get_subscription(request: Request) -> Reply:
    """Shows an entity's plan, period and credits, and what is to change."""
    return Reply(200, _subscription(request))


@api.route("POST", "/api/tier/preview")
def preview_change(request: Request, body: PreviewChange) -> Reply:
    """Shows what a change of plan would cost and when it would be made."""
    call = request.call
    old = accounts.subscription_of(accounts.get(call, body.entityId)).plan
    new = body.to_plan(catalogues.current(call), old.cadence)
    changed = subscribing.preview(call, body.entityId, new, when=body.when, date=body.effectiveDate)
    return Reply(200, views.preview_view(changed, old, new))


@api.route("POST", "/api/tier/change", successes=(200, 202))
@handling.by_provider
def change_tier(request: Request, body: ChangeTier) -> Reply:
    """Changes an entity's plan: an upgrade once it is paid, a downgrade with the next period."""
    call = request.call
    old = accounts.subscription_of(accounts.get(call, body.entityId)).plan
    new = body.to_plan(catalogues.current(call), old.cadence)
    changed = subscribing.change(
        call,
        body.entityId,
        new,
        when=body.when,
        date=body.effectiveDate,
        payment_method=body.paymentMethodId,
    )
    payment = handling.to_complete(call, changed.operation)
    return handling.reply(changed.operation, views.changed_view(changed, old, new, payment))


@api.route("POST", "/api/subscription/{entity_id}/cancel", successes=(200, 202))
@handling.by_provider
def cancel(request: Request, body: Cancel) -> Reply:
    """Ends a plan with its period, or at once."""
    entity_id = request.path["entity_id"]
    changed = subscribing.cancel(request.call, entity_id, now=body.when is When.NOW)
    shown = _subscription(request)
    credited = views.credited(changed.quote)
    return handling.reply(changed.operation, {**shown, "credited": credited})


@api.route("POST", "/api/subscription/{entity_id}/cancel/preview")
def preview_cancel(request: Request, body: Cancel) -> Reply:
    """Shows when a plan would end, and what would be given back."""
    entity_id = request.path["entity_id"]
    changed = subscribing.preview_end(request.call, entity_id, now=body.when is When.NOW)
    return Reply(200, views.end_view(changed, changed.effective_at))


@api.route("POST", "/api/subscription/{entity_id}/reactivate", successes=(200, 202))
@handling.by_provider
def reactivate(request: Request, body: Reactivate) -> Reply:
    """Lets a plan go on that was to end, or begin anew."""
    call, entity_id = request.call, request.path["entity_id"]
    changed = subscribing.reactivate(call, entity_id, body.paymentMethodId)
    return handling.reply(changed.operation, _subscription(request))


@api.route("DELETE", "/api/subscription/{entity_id}/scheduled-change")
@handling.by_provider
def drop_scheduled_change(request: Request) -> Reply:
    """Lets a change not happen that was to be made later."""
    subscribing.drop_scheduled_change(request.call, request.path["entity_id"])
    return Reply(200, _subscription(request))


@api.route("GET", "/api/customers/{entity_id}/payment-methods")
@handling.by_provider
def list_cards(request: Request) -> Reply:
    """Lists an entity's ways to pay."""
    listed, default = cards.listed(request.call, request.path["entity_id"])
    return ok([views.card_view(card, default) for card in listed])


@api.route("POST", "/api/customers/{entity_id}/setup-intents", successes=(201,))
@handling.by_provider
def begin_setup(request: Request) -> Reply:
    """Begins to save a way to pay in the browser."""
    return Reply(201, views.setup_view(cards.begin_setup(request.call, request.path["entity_id"])))


@api.route("POST", "/api/customers/{entity_id}/payment-methods", successes=(201,))
@handling.by_provider
def add_card(request: Request, body: AddCard) -> Reply:
    """Adds a way to pay; a payment that waits for one goes on."""
    call, entity_id = request.call, request.path["entity_id"]
    added = cards.add(
        call,
        entity_id,
        payment_method=body.paymentMethodId,
        setup_intent=body.setupIntentId,
        default=body.default,
    )
    _, default = cards.listed(call, entity_id)
    return Reply(201, views.card_view(added, default))


@api.route("POST", "/api/customers/{entity_id}/payment-methods/{payment_method_id}/default")
@handling.by_provider
def make_default(request: Request) -> Reply:
    """Makes a way to pay the one that invoices are paid with."""
    path = request.path
    card = cards.make_default(request.call, path["entity_id"], path["payment_method_id"])
    return Reply(200, views.card_view(card, card.id))


@api.route(
    "DELETE", "/api/customers/{entity_id}/payment-methods/{payment_method_id}", successes=(204,)
)
@handling.by_provider
def remove_card(request: Request) -> Reply:
    """Takes a way to pay away."""
    cards.remove(request.call, request.path["entity_id"], request.path["payment_method_id"])
    return Reply(204)


@api.route("GET", "/api/customers/{entity_id}/invoices")
@handling.by_provider
def list_invoices(request: Request) -> Reply:
    """Lists an entity's invoices, newest first, as both providers have them."""
    account = accounts.get(request.call, request.path["entity_id"])
    return ok([views.bill_view(bill) for bill in statements.bills_of(request.call, account)])


@api.route("GET", "/api/customers/{entity_id}/credits")
@handling.by_provider
def list_credits(request: Request) -> Reply:
    """Shows what an entity has to spend."""
    account = accounts.get(request.call, request.path["entity_id"])
    return ok(views.credits_view(statements.credits_of(request.call, account)))


@api.route("GET", "/api/entitlements/{entity_id}")
def get_entitlements(request: Request) -> Reply:
    """Shows the limits and features of an entity's tier."""
    tier = entitlements.of_entity(request.call, request.path["entity_id"])
    return ok(None if tier is None else views.tier_view(tier))


@api.route("POST", "/api/entitlements/{entity_id}/check")
def check_entitlement(request: Request, body: CheckEntitlement) -> Reply:
    """Tells whether a feature, or a quantity in all, is within an entity's tier."""
    verdict = entitlements.check(
        request.call,
        request.path["entity_id"],
        feature=body.feature,
        limit=body.limit,
        quantity=body.quantity,
    )
    return Reply(200, verdict._asdict())


@api.route("GET", "/api/operations")
def list_operations(request: Request, query: ListOperations) -> Reply:
    """Lists operations of a status, by default those that somebody has to look at."""
    parameters = {"status": query.status.value}
    listed, cursor = operations.page(
        request.call,
        query.status,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    return page(views.operations_view(listed), pagination.encode(cursor, parameters))


@api.route("GET", "/api/operations/{operation_id}")
@handling.by_provider
def get_operation(request: Request) -> Reply:
    """Shows how far an operation is, with what its customer needs to complete a payment."""
    operation = operations.get(request.call, request.path["operation_id"])
    return Reply(200, handling.operation_body(request.call, operation))


@api.route("POST", "/api/operations/{operation_id}/retry", successes=(200, 202))
@handling.by_provider
def retry_operation(request: Request, body: Retry) -> Reply:
    """Tries anew what an operation stopped at."""
    call, id_ = request.call, request.path["operation_id"]
    card = None
    if body.paymentMethodId is not None:
        entity_id = operations.unfinished(call, id_).entity_id
        card = cards.save(call, entity_id, body.paymentMethodId).id
    operation = settlements.payment_retried(call, id_, card)
    return handling.reply(operation, handling.operation_body(call, operation))


@api.route("POST", "/api/operations/{operation_id}/cancel", successes=(200, 202))
@handling.by_provider
def cancel_operation(request: Request) -> Reply:
    """Takes an operation back that waits or is stuck."""
    call, id_ = request.call, request.path["operation_id"]
    operation = operations.abandon(call, id_, code=_ABANDONED, message="Taken back on request")
    return Reply(200, handling.operation_body(call, operation))


@api.route("GET", "/api/catalog")
def get_catalogue(request: Request) -> Reply:
    """Shows the tiers that are offered."""
    setup = catalogues.applied(request.call)
    offered = catalogues.BUILT_IN if setup is None else setup.catalogue
    return ok(views.catalogue_view(offered, None if setup is None else setup.applied_at))


@api.route("POST", "/api/catalog/apply")
@handling.by_provider
def apply_catalogue(request: Request, body: ApplyCatalogue) -> Reply:
    """Sets a catalogue up in Metronome and offers it; repeated, it changes nothing."""
    setup = catalogues.apply(request.call, body.to_catalogue())
    return ok(views.catalogue_view(setup.catalogue, setup.applied_at))


_ABANDONED: Final = "abandoned"


def _subscription(request: Request) -> dict[str, object]:
    account = accounts.get(request.call, request.path["entity_id"])
    return views.subscription_view(
        account,
        accounts.subscription_of(account),
        statements.credits_of(request.call, account),
        handling.under_way(request.call, account),
    )


handler = api.handler
