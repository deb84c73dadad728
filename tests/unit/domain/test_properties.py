"""What a property value is as text and as a number (decisions D-16 and D-17)."""

from decimal import Decimal

import pytest

from backbeat.domain.properties import number_of, text_of

THIRTY_DIGITS = "123456789012345678901234567.891"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("eu", "eu"),
        ("", ""),
        (" eu ", " eu "),
        (1, "1"),
        (-7, "-7"),
        (Decimal("1.5"), "1.5"),
        (Decimal("0.10"), "0.10"),
        (True, "true"),
        (False, "false"),
        # Absent, or nothing that could be compared.
        (None, None),
        ({"a": 1}, None),
        (["a"], None),
    ],
)
def test_text(value: object, text: str | None) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, "7"),
        (-7, "-7"),
        (0, "0"),
        (Decimal("2.2"), "2.2"),
        (Decimal("-0.5"), "-0.5"),
        ("1.10", "1.10"),
        ("-3", "-3"),
        ("+3", "3"),
        ("1e3", "1000"),
        ("0", "0"),
        # Neither form goes through a float.
        (THIRTY_DIGITS, THIRTY_DIGITS),
        (Decimal(THIRTY_DIGITS), THIRTY_DIGITS),
    ],
)
def test_numbers(value: object, number: str) -> None:
    found = number_of(value)
    assert found is not None
    assert found == Decimal(number)
    assert isinstance(found, Decimal)


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", "abc", "1,5", "12 tokens", "NaN", "Infinity", "-Infinity", "sNaN",
     "0x10", {"a": 1}, [1]],
)  # fmt: skip
def test_what_is_no_number_is_not_zero(value: object) -> None:
    assert number_of(value) is None


@pytest.mark.parametrize("value", ["1_000", "١٢"])
def test_only_plain_decimal_digits_are_a_number(value: str) -> None:
    assert number_of(value) is None
