"""What operators of metering do: adjustments, mappings to Stripe, pushes, reconciliation."""

from functools import partial

from backbeat import bootstrap
from backbeat.api import auth
from backbeat.api.pages import listed
from backbeat.api.replies import Reply, document, file, ok, page
from backbeat.api.requests import Request, Visit
from backbeat.api.resolver import Api
from backbeat.api.schemas.mappings import (
    ChangeMapping,
    CreateMapping,
    EndMapping,
    ListMappings,
    ListPushes,
    RunPush,
)
from backbeat.api.schemas.metering import (
    CreateAdjustment,
    ListAdjustments,
    SetApprovalPolicy,
)
from backbeat.api.schemas.reconciliation import (
    ApproveCorrection,
    ApproveCorrections,
    ChangeSettings,
    Explain,
    FinalizePeriod,
    ListCorrections,
    ListRuns,
    RunReconciliation,
    ShowRun,
    Summarize,
)
from backbeat.api.views.drift_report import report_html
from backbeat.api.views.exposition import CONTENT_TYPE, exposition
from backbeat.api.views.mappings import mapping_view, push_view, pushed_view
from backbeat.api.views.metering import adjustment_view
from backbeat.api.views.reconciliation import (
    correction_view,
    explained_view,
    finished_view,
    found_view,
    rows_csv,
    run_view,
    settings_view,
    summary_csv,
    summary_view,
)
from backbeat.api.views.times import optional
from backbeat.application.metering import (
    adjustments,
    approvals,
    closing,
    corrections,
    drift,
    gauges,
    health,
    mappings,
    proposals,
    pushes,
    reconciliation,
)
from backbeat.models.errors import BackbeatError, NotFound
from backbeat.models.mappings import Lane
from backbeat.models.reconciliation import CorrectionStatus, RunTrigger

api = Api("metering_operations", bootstrap.services)


@api.route("POST", "/metering/v1/adjustments")
def create_adjustment(request: Request, body: CreateAdjustment) -> Reply:
    """Proposes a change of usage, which counts once it is approved."""
    made = proposals.create(request.call, body.to_proposal(request.call.by.id))
    return ok(adjustment_view(made))


@api.route("GET", "/metering/v1/adjustments")
def list_adjustments(request: Request, query: ListAdjustments) -> Reply:
    """Lists adjustments, the newest first."""
    return listed(query, partial(adjustments.page, request.call, query.wants), adjustment_view)


@api.route("GET", "/metering/v1/adjustments/{adjustment_id}")
def get_adjustment(request: Request) -> Reply:
    """Returns an adjustment."""
    return ok(adjustment_view(adjustments.get(request.call, request.path["adjustment_id"])))


@api.route("POST", "/metering/v1/adjustments/{adjustment_id}/approve")
def approve_adjustment(request: Request) -> Reply:
    """Makes an adjustment count, once however often it is approved."""
    call = request.call
    return ok(
        adjustment_view(adjustments.approve(call, request.path["adjustment_id"], by=call.by.id))
    )


@api.route("POST", "/metering/v1/adjustments/{adjustment_id}/reject")
def reject_adjustment(request: Request) -> Reply:
    """Decides that an adjustment never counts."""
    call = request.call
    return ok(
        adjustment_view(adjustments.reject(call, request.path["adjustment_id"], by=call.by.id))
    )


@api.route("POST", "/metering/v1/adjustments/{adjustment_id}/revert")
def revert_adjustment(request: Request) -> Reply:
    """Takes back what an approved adjustment added, to the unit."""
    call = request.call
    return ok(
        adjustment_view(adjustments.revert(call, request.path["adjustment_id"], by=call.by.id))
    )


@api.route("GET", "/metering/v1/approval-policy")
def get_approval_policy(request: Request) -> Reply:
    """Shows whose approval adjustments need."""
    return ok(approvals.policy(request.call).model_dump())


@api.route("PUT", "/metering/v1/approval-policy")
def set_approval_policy(request: Request, body: SetApprovalPolicy) -> Reply:
    """Lays down whose approval adjustments need from now on."""
    approvals.set_policy(request.call, body.to_policy())
    return get_approval_policy(request)


@api.route("POST", "/metering/v1/mappings")
def create_mapping(request: Request, body: CreateMapping) -> Reply:
    """Maps a counter's usage to a customer's meter at Stripe, where it is told from now on."""
    auth.remember_token(request)
    return ok(mapping_view(mappings.create(request.call, body.to_command())))


@api.route("GET", "/metering/v1/mappings")
def list_mappings(request: Request, query: ListMappings) -> Reply:
    """Lists mappings in order of creation."""
    return listed(query, partial(mappings.page, request.call, query.wants), mapping_view)


@api.route("GET", "/metering/v1/mappings/{mapping_id}")
def get_mapping(request: Request) -> Reply:
    """Returns a mapping."""
    return ok(mapping_view(mappings.get(request.call, request.path["mapping_id"])))


@api.route("PATCH", "/metering/v1/mappings/{mapping_id}")
def change_mapping(request: Request, body: ChangeMapping) -> Reply:
    """Stops or resumes telling usage; what came meanwhile is told then."""
    changed = mappings.change(request.call, request.path["mapping_id"], active=body.active)
    return ok(mapping_view(changed))


@api.route("DELETE", "/metering/v1/mappings/{mapping_id}")
def end_mapping(request: Request, body: EndMapping) -> Reply:
    """Ends a mapping at an hour; usage up to then is still told."""
    ended = mappings.end(request.call, request.path["mapping_id"], body.ending_before)
    return ok(mapping_view(ended))


@api.route("POST", "/metering/v1/pushes")
def run_push(request: Request, body: RunPush) -> Reply:
    """Tells Stripe what changed, and tries again what was refused or deferred before."""
    auth.remember_token(request)
    found = pushes.run(request.call, mapping_id=body.mapping_id, insists=True)
    return ok([pushed_view(one) for one in found])


@api.route("GET", "/metering/v1/mappings/{mapping_id}/pushes")
def list_pushes(request: Request, query: ListPushes) -> Reply:
    """Lists what was told of a mapping's usage, the newest first."""
    mapping = mappings.get(request.call, request.path["mapping_id"])
    target = mapping.target if query.lane is Lane.LIVE else mapping.shadow
    if target is None:
        return page([], None)
    read = partial(pushes.log, request.call, mapping, target)
    return listed(query, read, push_view, mapping=mapping.id)


@api.route("POST", "/metering/v1/reconciliation/runs")
def run_reconciliation(request: Request, body: RunReconciliation) -> Reply:
    """Holds events, cells, pushes, Stripe's summaries and its invoices side by side, now."""
    auth.remember_token(request)
    finished = reconciliation.run(
        request.call,
        trigger=RunTrigger.REQUEST,
        by=request.call.by.id,
        mapping_id=body.mapping_id,
    )
    return ok(finished_view(finished))


@api.route("GET", "/metering/v1/reconciliation/runs")
def list_runs(request: Request, query: ListRuns) -> Reply:
    """Lists runs, the newest first."""
    return listed(query, partial(reconciliation.page, request.call), run_view)


@api.route("GET", "/metering/v1/reconciliation/runs/{run_id}")
def get_run(request: Request, query: ShowRun) -> Reply:
    """Returns a run with what it found: as JSON, CSV, or a page with a chart of the drift."""
    call = request.call
    finished = reconciliation.get(call, request.path["run_id"])
    if query.format == "csv":
        name = f"reconciliation_{finished.run.id}.csv"
        return file(rows_csv(finished.rows), name=name, content_type="text/csv")
    if query.format == "html":
        earlier, _ = reconciliation.page(call, limit=48, cursor=None)
        return document(report_html(finished, earlier), content_type="text/html; charset=utf-8")
    return ok(finished_view(finished))


@api.route("GET", "/metering/v1/reconciliation/summary")
def summarize_reconciliation(request: Request, query: Summarize) -> Reply:
    """Returns the drift of some months by metric, each period once."""
    span = query.span
    rows = reconciliation.latest(request.call, span.starting_at, span.ending_before)
    summary = drift.summarize(span, [row for row in rows if row.lane is query.lane])
    if query.format == "csv":
        return file(summary_csv(summary), name="summary.csv", content_type="text/csv")
    return ok(summary_view(summary))


@api.route("GET", "/metering/v1/reconciliation/explain")
def explain_reconciliation(request: Request, query: Explain) -> Reply:
    """Returns what each place knows of a period now, why they differ, and what would mend it."""
    call = request.call
    mapping = mappings.get(call, query.mapping_id)
    target = next((one for one in mapping.targets if one.lane is query.lane), None)
    if target is None:
        raise NotFound("shadow", mapping.id)
    period, part = mappings.part_from(call, mapping, query.period_start)
    row = reconciliation.look(call, mapping, target, period, part, whole=True)
    suggested, _ = corrections.page(
        call,
        lambda one: (
            (one.mapping_id, one.lane, one.period_start)
            == (mapping.id, target.lane, part.starting_at)
            and one.status is CorrectionStatus.OPEN
        ),
        limit=20,
        cursor=None,
    )
    return ok(explained_view(row, suggested))


@api.route("GET", "/metering/v1/reconciliation/corrections")
def list_corrections(request: Request, query: ListCorrections) -> Reply:
    """Lists what reconciliation suggested, the newest first."""
    return listed(query, partial(corrections.page, request.call, query.wants), correction_view)


@api.route("POST", "/metering/v1/reconciliation/corrections/approve")
def approve_corrections(request: Request, body: ApproveCorrections) -> Reply:
    """Applies corrections one by one, and answers what became of each."""
    call = request.call
    results = []
    for id_ in dict.fromkeys(body.correction_ids):
        try:
            applied = corrections.approve(call, id_, by=call.by.id, note=body.reason)
            results.append({"id": id_, "status": applied.status.value})
        except BackbeatError as error:
            results.append(
                {"id": id_, "status": "error", "code": error.code, "error": error.message}
            )
    failed = sum(one["status"] == "error" for one in results)
    return ok({"applied": len(results) - failed, "failed": failed, "results": results})


@api.route("POST", "/metering/v1/reconciliation/corrections/{correction_id}/approve")
def approve_correction(request: Request, body: ApproveCorrection) -> Reply:
    """Applies a correction, once however often it is approved."""
    call = request.call
    applied = corrections.approve(
        call, request.path["correction_id"], by=call.by.id, kind=body.kind, note=body.reason
    )
    return ok(correction_view(applied))


@api.route("POST", "/metering/v1/reconciliation/corrections/{correction_id}/reject")
def reject_correction(request: Request) -> Reply:
    """Decides not to apply a correction."""
    call = request.call
    rejected = corrections.reject(call, request.path["correction_id"], by=call.by.id)
    return ok(correction_view(rejected))


@api.route("GET", "/metering/v1/reconciliation/settings")
def get_reconciliation_settings(request: Request) -> Reply:
    """Returns how strict reconciliation is while periods are open."""
    return ok(settings_view(reconciliation.settings_of(request.call)))


@api.route("PATCH", "/metering/v1/reconciliation/settings")
def change_reconciliation_settings(request: Request, body: ChangeSettings) -> Reply:
    """Changes how strict reconciliation is; final periods must match exactly all the same."""
    return ok(settings_view(reconciliation.change_settings(request.call, body.changes())))


@api.route("POST", "/metering/v1/periods/finalize")
def finalize_period(request: Request, body: FinalizePeriod) -> Reply:
    """Closes a period if all places agree, or if somebody overrides that they do not."""
    auth.remember_token(request)
    found, state = closing.finalize(
        request.call,
        body.mapping_id,
        body.period_start,
        by=request.call.by.id,
        override_reason=body.override_reason,
    )
    return ok(
        {
            **found_view(found),
            "finalized_at": optional(state.finalized_at),
            "finalized_by": state.finalized_by,
            "override_reason": state.override_reason,
        }
    )


@api.route("GET", "/metering/metrics")
def show_metrics(request: Request) -> Reply:
    """Returns figures about the caller's metering as Prometheus reads them."""
    return document(exposition(gauges.of_tenant(request.call)), content_type=CONTENT_TYPE)


@api.route("GET", "/metering/health/live", public=True)
def show_liveness(visit: Visit) -> Reply:
    """Answers that the function runs."""
    return Reply(200, {"status": "alive"})


@api.route("GET", "/metering/health/ready", public=True)
def show_readiness(visit: Visit) -> Reply:
    """Tells whether metering can work: degraded is when its schedules are late."""
    seen = health.look(visit.services)
    body = {
        "status": seen.readiness.value,
        "checks": {"store": seen.store},
        "lag_seconds": seen.lag_seconds,
    }
    return Reply(503 if seen.readiness is health.Readiness.UNHEALTHY else 200, body)


handler = api.handler
