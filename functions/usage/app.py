"""Reading usage and events."""

from itertools import islice

from backbeat import bootstrap
from backbeat.api import pagination, usage_pages
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.usage import (
    GetGroupedUsage,
    GetSeatsUsage,
    GetUsage,
    NextPage,
    PageOf,
    SearchEvents,
)
from backbeat.api.views.usage import event_view, group_row_view, seat_row_view, usage_row_view
from backbeat.application import catalog, contracts, customers, seats, usage

api = Api("usage", bootstrap.services)

_ROWS_PER_PAGE = 100


@api.operation("getUsageBatch-v1")
def get_usage(request: Request, query: NextPage, body: GetUsage) -> Reply:
    """Returns usage by customer, metric and window."""
    call = request.call
    parameters = {"tenant": call.tenant, **body.model_dump()}
    if body.billable_metrics is None:
        metrics = [usage.WantedMetric(metric) for metric in catalog.metrics(call)]
    else:
        metrics = [
            usage.wanted_metric(call, wanted.id, wanted.grouping)
            for wanted in body.billable_metrics
        ]
    after = usage_pages.position(pagination.decode(query.next_page, parameters))
    if body.customer_ids is None:
        listed = customers.walk_all(call, start=None if after is None else after.customer)
    else:
        listed = iter(
            (customer_id, customers.get(call, customer_id))
            for customer_id in sorted(set(body.customer_ids))
        )
    rows = usage.rows(call, listed, metrics, body.span, size=body.window_size, after=after)
    shown = list(islice(rows, _ROWS_PER_PAGE + 1))
    more = len(shown) > _ROWS_PER_PAGE
    shown = shown[:_ROWS_PER_PAGE]
    cursor = usage_pages.cursor(shown[-1][0]) if more else None
    views = [usage_row_view(row) for _, row in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getPagedUsage-v1")
def get_grouped_usage(request: Request, query: PageOf, body: GetGroupedUsage) -> Reply:
    """Returns a metric's usage by group and window."""
    call = request.call
    parameters = body.model_dump()
    customer = customers.get(call, body.customer_id)
    metric = catalog.get_metric(call, body.billable_metric_id)
    keys, wanted = body.grouping
    rows = usage.group_rows(
        call,
        customer,
        metric,
        body.span or contracts.current_period(call, customer),
        size=body.window_size,
        keys=usage.complete_key(metric, keys) if keys else (),
        wanted=wanted,
    )
    shown, cursor = pagination.slice_after(
        sorted(rows, key=usage_pages.group_position),
        position=usage_pages.group_position,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [group_row_view(row) for row in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getSeatsUsage-v1")
def get_seats_usage(request: Request, query: PageOf, body: GetSeatsUsage) -> Reply:
    """Returns a customer's seat count by window."""
    call = request.call
    parameters = body.model_dump()
    customer = customers.get(call, body.customer_id)
    metric = catalog.get_metric(call, body.seat_metric_id)
    rows = seats.rows(
        call,
        customer,
        metric,
        body.span or contracts.current_period(call, customer),
        size=body.window_size,
        wanted=body.usage_type,
    )
    shown, cursor = pagination.slice_after(
        list(rows),
        position=usage_pages.seat_position,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [seat_row_view(row) for row in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getPurchasedSeats-v1")
def get_purchased_seats(request: Request) -> Reply:
    """Returns none: seats were purchased on Plans, which are no more."""
    customers.get(request.call, request.path["customer_id"])
    return ok([])


@api.operation("searchEvents-v1")
def search_events(request: Request, body: SearchEvents) -> Reply:
    """Returns what was sent under transaction ids, repeats included."""
    found = usage.search(request.call, body.transactionIds)
    return Reply(200, [event_view(event) for event in found])


handler = api.handler
