"""What a metric counted in the unit that is priced."""

from decimal import Decimal

import pytest

from backbeat.domain.quantities import billable
from backbeat.models.catalog import ProductState
from tests.unit.builders import utc


def quantity(raw: str, **definition: object) -> Decimal:
    state = {"name": "Calls", "created_at": utc("2025-01-01"), **definition}
    return billable(Decimal(raw), ProductState.model_validate(state))


@pytest.mark.parametrize(
    ("raw", "up", "down", "half_up"),
    [
        ("2", "2", "2", "2"),
        ("2.1", "3", "2", "2"),
        ("2.5", "3", "2", "3"),
        ("2.9", "3", "2", "3"),
        # Up and down are directions; a half goes away from zero.
        ("-2.1", "-2", "-3", "-2"),
        ("-2.5", "-2", "-3", "-3"),
        ("-2.9", "-2", "-3", "-3"),
        ("0", "0", "0", "0"),
    ],
)
def test_rounding(raw: str, up: str, down: str, half_up: str) -> None:
    for method, expected in [("UP", up), ("DOWN", down), ("HALF_UP", half_up)]:
        rounding = {"rounding_method": f"ROUND_{method}", "decimal_places": 0}
        assert quantity(raw, quantity_rounding=rounding) == Decimal(expected)


@pytest.mark.parametrize(
    ("operation", "factor", "expected"),
    [
        ("MULTIPLY", "1000", "1500"),
        ("DIVIDE", "1000", "0.0015"),
        # 50 digits, of which 34 are asked for.
        ("DIVIDE", "9", "0.16666666666666666666666666666666666666666666666667"),
    ],
)
def test_conversion(operation: str, factor: str, expected: str) -> None:
    conversion = {"conversion_factor": factor, "operation": operation}
    assert quantity("1.5", quantity_conversion=conversion) == Decimal(expected)


def test_conversion_comes_before_rounding() -> None:
    # 1499 / 1000 = 1.499, then up: 2. Rounded first it would be 1499 / 1000 = 1.499.
    found = quantity(
        "1499",
        quantity_conversion={"conversion_factor": "1000", "operation": "DIVIDE"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 0},
    )
    assert found == 2
