"""Dashboards as pages: HTML without scripts, from which nothing is loaded."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

from backbeat.api import json
from backbeat.api.html import Html, element, joined
from backbeat.api.replies import Reply
from backbeat.api.views.pdf import money
from backbeat.application.balances import ShownBalance
from backbeat.application.dashboards import GroupSeries, MetricUsage
from backbeat.models.balances import BalanceType
from backbeat.models.customers import Customer
from backbeat.models.dashboards import COLORS, Dashboard
from backbeat.models.invoices import Invoice, InvoiceStatus, LineItem
from backbeat.models.money import add

_STYLE: Final = """
*{box-sizing:border-box}
body{margin:0;padding:16px;font:14px/1.5 system-ui,sans-serif}
body{color:var(--Gray_dark);background:var(--White)}
h1{font-size:18px;margin:0 0 12px}h2{font-size:15px;margin:24px 0 4px}
p,td.soft,.soft{color:var(--Gray_medium)}
table{border-collapse:collapse;width:100%}
th{background:var(--Gray_extralight);text-align:left;font-weight:600}
th,td{padding:6px 10px;border-bottom:1px solid var(--Gray_light);vertical-align:top}
.number{text-align:right;font-variant-numeric:tabular-nums}
details{border:1px solid var(--Gray_light);border-radius:8px;margin:8px 0;overflow:auto}
summary{cursor:pointer;padding:10px;display:flex;gap:12px;flex-wrap:wrap}
summary:hover{background:var(--Primary_light)}
summary .number{margin-left:auto}
.good{color:var(--Primary_green)}.bad{color:var(--Primary_red)}.open{color:var(--Primary_medium)}
svg{display:block;width:100%;height:160px}.bar{height:8px}
.bar .all{fill:var(--Progress_bar_background)}.bar .left{fill:var(--Progress_bar)}
polyline{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}line{stroke:var(--Gray_light)}
"""

_WIDTH: Final = 600
_HEIGHT: Final = 150
_HIGHEST: Final = 145


def dashboard_url(origin: str, link: str) -> str:
    """Returns the address of the page that a link shows."""
    return f"{origin}/dashboards/embedded?link={link}"


def invoices_page(customer: Customer, dashboard: Dashboard, invoices: Sequence[Invoice]) -> Reply:
    """Returns the page of a customer's invoices."""
    shown = [_invoice(one, show_zero=dashboard.show_zero_lines) for one in invoices]
    return _page("Invoices", customer, dashboard, shown or [_nothing("There are no invoices yet.")])


def balances_page(
    customer: Customer, dashboard: Dashboard, balances: Sequence[ShownBalance]
) -> Reply:
    """Returns the page of a customer's commits and credits."""
    shown = [_balance(one) for one in balances]
    none = _nothing("There are no commits or credits yet.")
    return _page("Commits and credits", customer, dashboard, shown or [none])


def usage_page(customer: Customer, dashboard: Dashboard, metrics: Sequence[MetricUsage]) -> Reply:
    """Returns the page of a customer's usage of the last 30 days."""
    shown = [_metric(one, dashboard) for one in metrics]
    none = _nothing("There was no usage in the last 30 days.")
    return _page("Usage", customer, dashboard, shown or [none])


def refusal_page(message: str) -> Reply:
    """Returns the page that a link shows which does not work."""
    return _document(403, "Not available", _style_of({}), [element("p", message)])


def _page(title: str, customer: Customer, dashboard: Dashboard, parts: Sequence[Html]) -> Reply:
    heading = element("h1", f"{title} of {customer.name}")
    return _document(200, title, _style_of(dashboard.colors), [heading, *parts])


def _style_of(colors: Mapping[str, str]) -> str:
    named = {**COLORS, **colors}
    variables = "".join(f"--{name}:{value};" for name, value in named.items())
    lines = "".join(
        f".line{number}{{stroke:var(--UsageLine_{number});color:var(--UsageLine_{number})}}"
        for number in range(10)
    )
    return f":root{{{variables}}}{_STYLE}{lines}"


def _document(status: int, title: str, style: str, body: Iterable[Html]) -> Reply:
    page = joined(
        Html("<!doctype html>"),
        element(
            "html",
            element(
                "head",
                element("meta", charset="utf-8"),
                element("meta", name="viewport", content="width=device-width, initial-scale=1"),
                element("title", title),
                # Of names and hexadecimal colors: nothing in it is anybody's text.
                element("style", Html(style)),
            ),
            element("body", *body),
            lang="en",
        ),
    )
    allowed = base64.b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none';"
        # It is made to stand in the pages of whoever asked for the link.
        " frame-ancestors *"
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Reply(status, page.encode(), headers, content_type="text/html; charset=utf-8")


def _nothing(message: str) -> Html:
    return element("p", message)


# Invoices


def _invoice(invoice: Invoice, *, show_zero: bool) -> Html:
    kinds = {
        InvoiceStatus.DRAFT: "open",
        InvoiceStatus.FINALIZED: "good",
        InvoiceStatus.VOID: "bad",
    }
    lines = [line for line in invoice.line_items if show_zero or line.quantity != 0]
    return element(
        "details",
        element(
            "summary",
            element("strong", _about(invoice)),
            element("span", invoice.status.value.capitalize(), class_=kinds[invoice.status]),
            element("span", _date(invoice.issued_at), class_="soft"),
            element("span", money(invoice.total, invoice.credit_type), class_="number"),
        ),
        _table(
            ("Item", "Quantity", "Unit price", "Total"),
            [_line(line) for line in lines],
        ),
    )


def _about(invoice: Invoice) -> str:
    period = invoice.period
    if period is None:
        return "Invoice"
    return f"{_date(period.starting_at)} to {_date(period.ending_before)}"


def _line(line: LineItem) -> tuple[str, str, str, str]:
    groups = {**line.pricing_group_values, **line.presentation_group_values}
    named = ", ".join(f"{key}: {value}" for key, value in groups.items())
    return (
        f"{line.name} ({named})" if named else line.name,
        "" if line.quantity is None else json.number_text(line.quantity),
        "" if line.unit_price is None else money(line.unit_price, line.credit_type),
        money(line.total, line.credit_type),
    )


# Commits and credits


def _balance(shown: ShownBalance) -> Html:
    balance = shown.balance
    granted = add(*(segment.amount for segment in balance.segments))
    unit = balance.credit_type
    kind = "Credit" if balance.type is BalanceType.CREDIT else "Commit"
    left = f"{money(shown.worth, unit)} of {money(granted, unit)} left"
    access = "; ".join(
        f"{_date(one.starting_at)} to {_date(one.ending_before)}" for one in balance.segments
    )
    entries = [
        (
            _date(entry.timestamp),
            entry.type.replace("_", " ").capitalize(),
            money(entry.amount, unit),
        )
        for entry in shown.ledger
    ]
    return element(
        "details",
        element(
            "summary",
            element("strong", balance.name or shown.product_name),
            element("span", kind, class_="open"),
            element("span", access, class_="soft"),
            element("span", left, class_="number"),
        ),
        _bar(shown.worth, granted),
        _table(("Date", "Entry", "Amount"), entries),
    )


def _bar(part: Decimal, whole: Decimal) -> Html:
    share = 0 if whole <= 0 else int(min(max(part / whole, Decimal(0)), Decimal(1)) * _WIDTH)
    return element(
        "svg",
        element("rect", class_="all", width=str(_WIDTH), height="8"),
        element("rect", class_="left", width=str(share), height="8"),
        class_="bar",
        viewBox=f"0 0 {_WIDTH} 8",
        preserveAspectRatio="none",
    )


# Usage


def _metric(metric: MetricUsage, dashboard: Dashboard) -> Html:
    most = max(max(one.quantities) for one in metric.series)
    names = [_named(one, dashboard) for one in metric.series]
    legend = [
        element("span", "● ", element("span", name, class_="soft"), class_=f"line{number}")
        for number, name in enumerate(names)
        if name
    ]
    more = (
        [element("p", f"{metric.left_out} more groups are not shown.")] if metric.left_out else []
    )
    rows = [
        (
            _date(day.starting_at),
            *(json.number_text(one.quantities[place]) for one in metric.series),
        )
        for place, day in enumerate(metric.days)
    ]
    return joined(
        element("h2", metric.name),
        element("div", *(joined(one, Html(" ")) for one in legend)),
        element(
            "svg",
            element("line", x1="0", x2=str(_WIDTH), y1=str(_HEIGHT), y2=str(_HEIGHT)),
            *(
                element("polyline", class_=f"line{number}", points=_points(one.quantities, most))
                for number, one in enumerate(metric.series)
            ),
            viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
            preserveAspectRatio="none",
            role="img",
            aria_label=f"{metric.name} by day",
        ),
        *more,
        element(
            "details",
            element("summary", "By day"),
            _table(("Day", *(name or "Quantity" for name in names)), rows),
        ),
    )


def _named(series: GroupSeries, dashboard: Dashboard) -> str:
    return ", ".join(
        f"{dashboard.group_name(key)}: {dashboard.value_name(key, value)}"
        for key, value in series.values.items()
    )


def _points(quantities: Sequence[Decimal], most: Decimal) -> str:
    steps = max(len(quantities) - 1, 1)
    heights = (int(max(quantity, Decimal(0)) / most * _HIGHEST) for quantity in quantities)
    return " ".join(
        f"{place * _WIDTH // steps},{_HEIGHT - height}" for place, height in enumerate(heights)
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    def row(kind: str, cells: Sequence[str]) -> Html:
        first, *others = cells
        return element(
            "tr", element(kind, first), *(element(kind, one, class_="number") for one in others)
        )

    return element("table", row("th", headings), *(row("td", cells) for cells in rows))


def _date(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"
