"""Verdicts and shares, by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbeat.application.metering.drift import Parity, status_of, summarize
from backbeat.domain import reconciling
from backbeat.domain.reconciling import Totals
from backbeat.models.mappings import Lane
from backbeat.models.period import Period
from backbeat.models.reconciliation import (
    BilledLine,
    DriftClass,
    Found,
    Verdict,
)

NOW = datetime(2025, 1, 15, 12, tzinfo=UTC)
LAG = timedelta(minutes=10)
EPSILON = Decimal("0.005")


def totals(local: int | str, stripe: int | str, **fields: Any) -> Totals:
    known: dict[str, Any] = {
        "pushed": Decimal(local),
        "events": None,
        "cells": None,
        "last_sent_at": None,
        "sending": False,
        "billed": (),
        **fields,
    }
    return Totals(local=Decimal(local), stripe=Decimal(stripe), **known)


def billed(quantity: int, status: str = "paid") -> tuple[BilledLine, ...]:
    line = BilledLine(
        invoice_id="in_1", status=status, quantity=Decimal(quantity), amount=1, currency="usd"
    )
    return (line,)


def judged(given: Totals) -> Verdict:
    found = reconciling.differences(given, now=NOW, lag=LAG)
    return reconciling.verdict(given, found, epsilon=EPSILON)


# Worked example 12: |local − stripe| ≤ 0.005 × stripe.
@pytest.mark.parametrize(
    ("local", "stripe", "verdict"),
    [
        (425, 425, "ok"),
        (425, 427, "ok"),  # 2 ≤ 2.135
        (425, 428, "investigate"),  # 3 > 2.14
        (100_500, 100_000, "ok"),  # 500 ≤ 500
        (100_501, 100_000, "investigate"),
        (99_499, 100_000, "investigate"),
        (3, 0, "investigate"),
        (0, 0, "ok"),
        # W-30: 50 of 15,450 is 0.3236 %, which is within.
        (15_500, 15_450, "ok"),
    ],
)
def test_w30_worked_example_12(local: int, stripe: int, verdict: str) -> None:
    assert judged(totals(local, stripe)).value == verdict


@pytest.mark.parametrize(("stripe", "verdict"), [(427, "investigate"), (425, "ok")])
def test_x31_a_final_period_must_match_exactly(stripe: int, verdict: str) -> None:
    assert judged(totals(425, stripe, billed=billed(stripe))).value == verdict


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (totals(425, 425), []),
        (totals(425, 400, pushed=Decimal(400)), [("unpushed", 25)]),
        (totals(400, 425, pushed=Decimal(425)), [("unpushed", -25)]),
        (totals(425, 400, last_sent_at=NOW - LAG), [("lost", 25)]),
        (
            totals(425, 400, last_sent_at=NOW - LAG + timedelta(seconds=1)),
            [("in_flight", 25)],
        ),
        (
            totals(425, 425, pushed=Decimal(400), sending=True),
            [("unpushed", 25), ("in_flight", -25)],
        ),
        (totals(425, 430), [("foreign", -5)]),
        (totals(425, 425, events=Decimal(425), cells=Decimal(420)), [("miscounted", 5)]),
        (
            totals(430, 425, pushed=Decimal(425), billed=billed(425)),
            [("post_finalization", 5)],
        ),
        (totals(430, 425, pushed=Decimal(425), billed=billed(425, "draft")), [("unpushed", 5)]),
        (totals(425, 425, billed=billed(420)), [("misbilled", 5)]),
        # Stripe bills a total below 0 as 0.
        (totals(-5, -5, billed=billed(0)), []),
    ],
)
def test_classes(given: Totals, found: list[tuple[str, int]]) -> None:
    classes = reconciling.differences(given, now=NOW, lag=LAG)
    assert [(one.kind.value, int(one.amount)) for one in classes] == found


def test_w31_a_difference_is_shared_by_usage() -> None:
    # 100 − 40 = 60 as 10 : 30.
    usage = {"one": Decimal(10), "other": Decimal(30)}
    shares = reconciling.shares(Decimal(60), usage)
    assert [(one.customer_ref, int(one.amount)) for one in shares] == [("one", 15), ("other", 45)]


def test_w31_without_usage_it_is_shared_equally() -> None:
    shares = reconciling.shares(Decimal(10), dict.fromkeys("abc", Decimal(0)))
    # Thirds are cut to hundredths; the last one takes the rest.
    assert [str(one.amount) for one in shares] == ["3.33", "3.33", "3.34"]


@given(
    amount=st.decimals(-1000, 1000, places=3),
    usage=st.lists(st.decimals(0, 1000, places=2), min_size=1, max_size=5),
)
def test_shares_add_up(amount: Decimal, usage: list[Decimal]) -> None:
    by_ref = {str(number): one for number, one in enumerate(usage)}
    assert sum(one.amount for one in reconciling.shares(amount, by_ref)) == amount


def row(metric: str, local: int, stripe: int | None, verdict: str = "ok") -> Found:
    return Found(
        mapping_id="m",
        metric=metric,
        customer_refs=("acme",),
        lane=Lane.LIVE,
        meter_id="mtr_1",
        stripe_customer_id="cus_1",
        period_start=NOW,
        period_end=NOW + LAG,
        at=NOW,
        local=Decimal(local),
        pushed=Decimal(local),
        stripe=None if stripe is None else Decimal(stripe),
        verdict=Verdict(verdict),
    )


def test_w29_drifts_do_not_make_up_for_each_other() -> None:
    span = Period(NOW, NOW + LAG)
    made = summarize(span, [row("calls", 100_000, 99_800), row("bytes", 512, 520)])
    by_metric = [(one.metric, int(one.drift_abs), str(one.drift_pct)) for one in made.metrics]
    # 8 / 520 = 0.015385, 200 / 99,800 = 0.002004
    assert by_metric == [("bytes", 8, "0.015385"), ("calls", 200, "0.002004")]
    # 200 + 8, where the net of 192 would hide some; 192 / 100,320 = 0.001914
    overall = made.overall
    assert (int(overall.drift_abs), int(overall.drift_net)) == (208, 192)
    assert str(overall.drift_pct) == "0.001914"


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (row("calls", 100, 100), Parity.PARITY),
        (row("calls", 100, 99, "investigate"), Parity.DRIFT_DETECTED),
        (row("calls", 106, 100, "investigate"), Parity.DRIFT_CRITICAL),
        (row("calls", 100, None, "unknown"), Parity.RECONCILIATION_NEEDED),
    ],
)
def test_d38_one_word(found: Found, word: Parity) -> None:
    assert status_of(found) is word


def test_drift_class_words_are_the_reports() -> None:
    assert [one.value for one in DriftClass] == [
        "miscounted",
        "unpushed",
        "in_flight",
        "lost",
        "foreign",
        "post_finalization",
        "misbilled",
    ]
