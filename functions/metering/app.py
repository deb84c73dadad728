"""Metered usage: events in, backfills and replays, usage out, counters, caps and alerts."""

from datetime import timedelta
from functools import partial

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.pages import listed
from backbeat.api.replies import Reply, file, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.backfills import ListBackfills, ListRows, OrderBackfill, RunReplay
from backbeat.api.schemas.meter_alerts import (
    AcknowledgeAlert,
    ChangeMeterAlert,
    CreateMeterAlert,
    ListMeterAlertEvents,
    ListMeterAlertStates,
    SnoozeAlert,
)
from backbeat.api.schemas.metering import (
    CheckUsage,
    CreateCap,
    CreateCounter,
    CurrentUsage,
    ExportEvents,
    ListEvents,
    ProjectUsage,
    UsageHistory,
    parse_events,
)
from backbeat.api.views.backfills import backfill_view, replay_view, row_view
from backbeat.api.views.meter_alerts import alert_view, crossing_view, state_view
from backbeat.api.views.metering import (
    cap_view,
    counter_view,
    events_csv,
    history_view,
    projection_view,
    results_view,
    stored_event_view,
    usage_view,
    verdict_view,
)
from backbeat.application.metering import (
    alert_states,
    alerts,
    backfills,
    caps,
    counters,
    events,
    listing,
    live_usage,
    replays,
    watching,
)
from backbeat.models.period import Period, hour_of

api = Api("metering", bootstrap.services)

_LISTED = timedelta(days=35)
"""How far back events are listed unless a request says so."""


@api.route("POST", "/metering/v1/events/ingest", brief=True)
def ingest(request: Request) -> Reply:
    """Stores and counts up to 1,000 events, and answers what became of each."""
    results = events.take(
        request.call,
        parse_events(request.body),
        header_key=request.headers.get("idempotency-key"),
    )
    view = results_view(results, request.call.services.ids.new())
    warned = any(result.warning for result in results)
    return Reply(200, view, {"x-backbeat-cap": "soft"} if warned else {})


@api.route("GET", "/metering/v1/events")
def list_events(request: Request, query: ListEvents) -> Reply:
    """Lists events by customer, the newest first."""
    now = hour_of(request.call.now) + timedelta(hours=2)
    span = Period(query.since or now - _LISTED, query.until or now)
    if span.starting_at >= span.ending_before:
        return page([], None)
    parameters = query.model_dump(exclude={"next_page", "limit", "since", "until"})
    cursor = pagination.decode(query.next_page, parameters)
    ref, _, position = (cursor or "").partition("\n")
    found = listing.page(
        request.call,
        span,
        metric=query.metric,
        customer_ref=query.customer_ref,
        source=query.source,
        after=None if cursor is None else (ref, position),
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    following = None
    if len(found) > query.limit:
        place, stored = shown[-1]
        following = f"{stored.event.customer_key}\n{place}"
    views = [stored_event_view(stored) for _, stored in shown]
    return page(views, pagination.encode(following, parameters))


@api.route("GET", "/metering/v1/events/export")
def export_events(request: Request, query: ExportEvents) -> Reply:
    """Returns up to 10,000 events as CSV, in the form that a backfill reads."""
    found = listing.page(
        request.call,
        Period(query.since, query.until),
        metric=query.metric,
        customer_ref=query.customer_ref,
        source=None,
        after=None,
        limit=10_000,
    )
    content = events_csv(stored for _, stored in found)
    return file(content, name="events.csv", content_type="text/csv")


@api.route("POST", "/metering/v1/events/backfill")
def order_backfill(request: Request, body: OrderBackfill) -> Reply:
    """Queues usage of the past to be brought in: JSON, CSV, JSON lines, or a file in S3."""
    call = request.call
    return ok(backfill_view(backfills.order(call, body.to_command(), by=call.by.id)))


@api.route("GET", "/metering/v1/events/backfill")
def list_backfills(request: Request, query: ListBackfills) -> Reply:
    """Lists backfills, the newest first."""
    return listed(query, partial(backfills.page, request.call, query.wants), backfill_view)


@api.route("GET", "/metering/v1/events/backfill/{operation_id}")
def get_backfill(request: Request) -> Reply:
    """Returns a backfill and how far it is."""
    return ok(backfill_view(backfills.get(request.call, request.path["operation_id"])))


@api.route("GET", "/metering/v1/events/backfill/{operation_id}/rows")
def list_backfill_rows(request: Request, query: ListRows) -> Reply:
    """Lists what became of the rows of a backfill, in their order."""
    found = backfills.outcomes(
        request.call,
        request.path["operation_id"],
        outcome=query.status,
        after=query.after,
        limit=query.limit,
    )
    return ok([row_view(one) for one in found])


@api.route("POST", "/metering/v1/events/backfill/{operation_id}/cancel")
def cancel_backfill(request: Request) -> Reply:
    """Stops a backfill; what was counted stays."""
    return ok(backfill_view(backfills.cancel(request.call, request.path["operation_id"])))


@api.route("POST", "/metering/v1/replay")
def run_replay(request: Request, body: RunReplay) -> Reply:
    """Counts events anew and tells what differs from what was counted, or mends it."""
    found = replays.replay(
        request.call,
        body.span(request.call.now),
        metrics=body.metrics,
        customer_ref=body.customer_ref,
        applies=body.mode == "apply",
        cursor=body.cursor,
    )
    return ok(replay_view(found))


@api.route("POST", "/metering/v1/counters")
def create_counter(request: Request, body: CreateCounter) -> Reply:
    """Creates a counter, which counts events from now on."""
    return ok(counter_view(counters.create(request.call, body.to_command())))


@api.route("GET", "/metering/v1/counters")
def list_counters(request: Request) -> Reply:
    """Lists all counters by name."""
    return ok([counter_view(counter) for counter in counters.every(request.call)])


@api.route("GET", "/metering/v1/counters/{name}")
def get_counter(request: Request) -> Reply:
    """Returns a counter."""
    return ok(counter_view(counters.get(request.call, request.path["name"])))


@api.route("GET", "/metering/v1/usage/current")
def get_current_usage(request: Request, query: CurrentUsage) -> Reply:
    """Returns a customer's usage of the running billing period."""
    call, ref = request.call, query.customer_ref
    period, found = live_usage.current(call, ref, query.metric)
    return ok(usage_view(ref, period, found, watching.open_of(call, ref, period)))


@api.route("GET", "/metering/v1/usage/history")
def get_usage_history(request: Request, query: UsageHistory) -> Reply:
    """Returns a counter's value by hour, day or month, windows without usage included."""
    found = live_usage.history(
        request.call, query.metric, query.customer_ref, query.span(), query.size
    )
    return ok(history_view(query.customer_ref, found))


@api.route("POST", "/metering/v1/usage/projection")
def project_usage(request: Request, body: ProjectUsage) -> Reply:
    """Returns what open periods cost so far, and will cost if usage goes on as it went."""
    found = live_usage.projections(request.call, body.customer_ref)
    return ok(projection_view(body.customer_ref, found, request.call.now))


@api.route("POST", "/metering/v1/check")
def check_usage(request: Request, body: CheckUsage) -> Reply:
    """Tells whether a customer may use some more now, by the caps on it."""
    verdict = caps.check(
        request.call,
        metric=body.metric,
        customer_ref=body.customer_ref,
        quantity=body.quantity,
    )
    return ok(verdict_view(verdict))


@api.route("POST", "/metering/v1/caps")
def create_cap(request: Request, body: CreateCap) -> Reply:
    """Creates a cap: a hard one has events refused, a soft one warned of."""
    cap = caps.create(
        request.call,
        metric=body.metric,
        customer_ref=body.customer_ref,
        limit=body.limit,
        mode=body.mode,
    )
    return ok(cap_view(cap))


@api.route("GET", "/metering/v1/caps")
def list_caps(request: Request) -> Reply:
    """Lists all caps."""
    return ok([cap_view(cap) for cap in caps.every(request.call)])


@api.route("DELETE", "/metering/v1/caps/{cap_id}")
def remove_cap(request: Request) -> Reply:
    """Removes a cap: usage goes on."""
    caps.remove(request.call, request.path["cap_id"])
    return ok({"id": request.path["cap_id"]})


@api.route("POST", "/metering/v1/alerts")
def create_meter_alert(request: Request, body: CreateMeterAlert) -> Reply:
    """Creates an alert about usage in units, or about money."""
    made = alerts.create(
        request.call,
        name=body.name,
        type_=body.type,
        metric=body.metric,
        customer_ref=body.customer_ref,
        threshold=body.threshold,
        clear_below=body.clear_below,
        severity=body.severity,
    )
    return ok(alert_view(made))


@api.route("GET", "/metering/v1/alerts")
def list_meter_alerts(request: Request) -> Reply:
    """Lists alerts."""
    return ok([alert_view(one) for one in alerts.every(request.call)])


@api.route("GET", "/metering/v1/alerts/events")
def list_meter_alert_events(request: Request, query: ListMeterAlertEvents) -> Reply:
    """Lists when lines were crossed, and what was said about that, the newest first."""
    return listed(
        query,
        partial(
            alert_states.page_of_events,
            request.call,
            query.wants,
            since=query.since,
            until=query.until,
        ),
        crossing_view,
    )


@api.route("GET", "/metering/v1/alerts/states")
def list_meter_alert_states(request: Request, query: ListMeterAlertStates) -> Reply:
    """Lists where alerts stand for customers, the latest change first."""
    return listed(
        query,
        partial(alert_states.page, request.call, query.wants, since=query.since, until=query.until),
        state_view,
    )


@api.route("POST", "/metering/v1/alerts/{alert_id}/acknowledge")
def acknowledge_meter_alert(request: Request, body: AcknowledgeAlert) -> Reply:
    """Notes that somebody knows: nobody is told any more until it is ok."""
    call = request.call
    state = alert_states.acknowledge(
        call,
        alerts.get(call, request.path["alert_id"]),
        body.customer_ref,
        body.period_start,
        by=call.by.id,
        note=body.note,
    )
    return ok(state_view(state))


@api.route("POST", "/metering/v1/alerts/{alert_id}/snooze")
def snooze_meter_alert(request: Request, body: SnoozeAlert) -> Reply:
    """Notes that somebody looks later: if it is not ok by then, it is told of again."""
    call = request.call
    state = alert_states.snooze(
        call,
        alerts.get(call, request.path["alert_id"]),
        body.customer_ref,
        body.period_start,
        until=body.end(call.now),
        by=call.by.id,
        note=body.note,
    )
    return ok(state_view(state))


@api.route("GET", "/metering/v1/alerts/{alert_id}")
def get_meter_alert(request: Request) -> Reply:
    """Returns an alert, and where it stands for its customers."""
    call, alert_id = request.call, request.path["alert_id"]
    alert = alerts.get(call, alert_id)
    states = [state_view(one) for one in alert_states.of_alert(call, alert_id)]
    return ok({**alert_view(alert), "states": states})


@api.route("PATCH", "/metering/v1/alerts/{alert_id}")
def change_meter_alert(request: Request, body: ChangeMeterAlert) -> Reply:
    """Changes an alert, or switches it off."""
    changed = alerts.change(request.call, request.path["alert_id"], body.changes())
    return ok(alert_view(changed))


@api.route("DELETE", "/metering/v1/alerts/{alert_id}")
def archive_meter_alert(request: Request) -> Reply:
    """Archives an alert; what it told stays."""
    return ok(alert_view(alerts.archive(request.call, request.path["alert_id"])))


handler = api.handler
