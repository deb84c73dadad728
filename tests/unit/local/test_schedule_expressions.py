"""Times of rate and cron expressions."""

from datetime import UTC, datetime, timedelta

import pytest

from backbeat_local.schedule_expressions import BadExpression, Rate, parse_expression


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(2 hours)", timedelta(hours=2)),
        ("rate(1 day)", timedelta(days=1)),
    ],
)
def test_rate(text: str, interval: timedelta) -> None:
    assert parse_expression(text) == Rate(interval)


def test_rate_counts_from_the_last_time() -> None:
    assert parse_expression("rate(1 hour)").after(at("2026-01-31T23:30:05")) == at(
        "2026-02-01T00:30:05"
    )


@pytest.mark.parametrize(
    ("text", "moment", "following"),
    [
        ("cron(0 * * * ? *)", "2026-03-01T10:00:00", "2026-03-01T11:00:00"),
        ("cron(0 * * * ? *)", "2026-03-01T10:59:59", "2026-03-01T11:00:00"),
        ("cron(15 3 * * ? *)", "2026-12-31T03:15:00", "2027-01-01T03:15:00"),
        ("cron(0/20 9-10 * * ? *)", "2026-03-01T09:41:00", "2026-03-01T10:00:00"),
        ("cron(0/20 9-10 * * ? *)", "2026-03-01T10:40:00", "2026-03-02T09:00:00"),
        ("cron(*/30 * * * ? *)", "2026-03-01T10:01:00", "2026-03-01T10:30:00"),
        ("cron(0 0 29 FEB ? *)", "2025-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("cron(0 0 31 * ? *)", "2026-04-01T00:00:00", "2026-05-31T00:00:00"),
        # 2026-03-01 is a Sunday: day 1 of the week.
        ("cron(0 6 ? * 1 *)", "2026-02-25T00:00:00", "2026-03-01T06:00:00"),
        ("cron(0 6 ? * MON-FRI *)", "2026-02-28T00:00:00", "2026-03-02T06:00:00"),
        ("cron(0 6 1,15 1,7 ? 2030)", "2026-01-01T00:00:00", "2030-01-01T06:00:00"),
        ("cron(0 6 1,15 1,7 ? 2030)", "2030-01-01T06:00:00", "2030-01-15T06:00:00"),
    ],
)
def test_cron(text: str, moment: str, following: str) -> None:
    assert parse_expression(text).after(at(moment)) == at(following)


def test_cron_that_is_over() -> None:
    assert parse_expression("cron(0 0 1 1 ? 2020)").after(at("2026-01-01T00:00:00")) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every 5 minutes",
        "rate(0 minutes)",
        "rate(5 weeks)",
        "cron(0 * * * *)",
        "cron(0 * * * * *)",
        "cron(0 * ? * ? *)",
        "cron(60 * * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 0 0 * ? *)",
        "cron(5-1 * * * ? *)",
        "cron(*/0 * * * ? *)",
        "cron(, * * * ? *)",
        "cron(0 0 L * ? *)",
        "cron(0 0 15W * ? *)",
        "cron(0 0 ? * 6#3 *)",
        "at(2026-01-01T00:00:00)",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        parse_expression(text)
