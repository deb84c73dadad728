"""The recipe of derived keys. Clients in any language must come to the same ones."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from backbeat.domain.event_keys import derived_key, plain

START = datetime(2026, 11, 1, tzinfo=UTC)


def key(metric: str = "api_calls", customer_ref: str = "acme", **fields: Any) -> str:
    parts: dict[str, Any] = {
        "resource_id": None,
        "timestamp": START,
        "quantity": Decimal(100),
        "sequence": None,
        **fields,
    }
    return derived_key(metric, customer_ref, **parts)


# Made by `printf '9:api_calls4:acme0:27:2026-11-01T00:00:00.000000Z3:1000:' | sha256sum` and so on.
VECTORS: list[tuple[dict[str, Any], str]] = [
    ({}, "ev1_314ed92431563a041f0bc9a47d8ac030"),
    ({"resource_id": "vm-1"}, "ev1_ebd2502e13fab6f99f78930ddc351324"),
    (
        {"timestamp": START + timedelta(microseconds=1)},
        "ev1_661b2d4c2fee5d2fa668e4931c26df45",
    ),
    ({"sequence": 7}, "ev1_698afa9e6cda8c85f3384a6c0129e868"),
    (
        {
            "metric": "speicher",
            "customer_ref": "kunde-ä",
            "timestamp": datetime(2026, 11, 1, 12, 34, 56, 789000, tzinfo=UTC),
            "quantity": Decimal("0.50"),
        },
        "ev1_a889b2a33f0100fe0763eccec7c823b1",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), VECTORS)
def test_t15_golden_vectors(fields: dict[str, Any], expected: str) -> None:
    assert key(**fields) == expected


def test_d172_one_instant_and_one_number_have_one_key_however_they_are_written() -> None:
    berlin = timezone(timedelta(hours=1))
    assert key(timestamp=datetime(2026, 11, 1, 1, tzinfo=berlin)) == key()
    assert key(quantity=Decimal("1E+2")) == key(quantity=Decimal("100.000")) == key()


def test_d07_what_differs_in_any_part_has_another_key() -> None:
    different = {
        key(),
        key(metric="api_call", customer_ref="sacme"),
        key(quantity=Decimal(101)),
        key(resource_id="100"),
        key(sequence=0),
    }
    assert len(different) == 5


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("100", "100"), ("1E+3", "1000"), ("0.50", "0.5"), ("-5.0", "-5"), ("-0", "0"), ("0E-9", "0")],
)
def test_quantities_are_plain(quantity: str, text: str) -> None:
    assert plain(Decimal(quantity)) == text
