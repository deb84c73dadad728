"""Billable metrics with the fields by which older clients know them."""

from backbeat.api.views.catalog import metric_view
from backbeat.models.catalog import BillableMetric

_CUSTOM_SQL = "custom_sql"


def customer_metric_view(metric: BillableMetric) -> dict[str, object]:
    """Returns a billable metric as listed for a customer."""
    view = metric_view(metric)
    if metric.aggregation_type is not None:
        view["aggregate"] = metric.aggregation_type.lower()
        view["group_by"] = list(metric.cell_keys)
    if metric.aggregation_key is not None:
        view["aggregate_keys"] = [metric.aggregation_key]
    return view


def matched_metric_view(metric: BillableMetric) -> dict[str, object]:
    """Returns a billable metric that an event counts for; only here SQL is an aggregation type."""
    view = metric_view(metric)
    if metric.sql is not None:
        view["aggregation_type"] = _CUSTOM_SQL
    return view
