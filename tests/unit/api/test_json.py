"""JSON in and out: numbers keep every digit."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.api import json
from backbeat.models.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-0.5", Decimal("-0.5")),
        ("0.1", Decimal("0.1")),
        ("1.10", Decimal("1.10")),
        ("1e2", Decimal("1e2")),
        # Beyond what a float could hold.
        ("0.1234567890123456789012345", Decimal("0.1234567890123456789012345")),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('{"a": [1.5, null, true]}', {"a": [Decimal("1.5"), None, True]}),
    ],
)
def test_numbers_are_read_exactly(text: str, value: object) -> None:
    found = json.loads(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "NaN", "Infinity", "[1,]", "01", "\x00"])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(InvalidArgument, match="not valid JSON"):
        json.loads(text)


@pytest.mark.parametrize("text", ["1e5000", "-1e999999999", "[1e-5000]", "0e-999999999"])
def test_a_number_beyond_all_measure_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidArgument):
        json.loads(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("308.64175"), "308.64175"),
        (Decimal("0.002"), "0.002"),
        (Decimal("100.00"), "100"),
        (Decimal("1E+2"), "100"),
        (Decimal("-0.50"), "-0.5"),
        (Decimal("0.00"), "0"),
        (Decimal("33.33333333333333333333333333333333333333"),
         "33.33333333333333333333333333333333333333"),
        (7, "7"),
        (None, "null"),
        ({"a": (Decimal("1.50"), [Decimal(2)])}, '{"a":[1.5,[2]]}'),
        ("ü", '"ü"'),
    ],
)  # fmt: skip
def test_numbers_are_written_exactly_and_trimmed(value: object, text: str) -> None:
    assert json.dumps(value) == text


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.decimals(-(10**25), 10**25, places=12))
def test_what_is_written_is_read_back(value: Decimal) -> None:
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("5.00"), "5"), (Decimal("1E+3"), "1000"), (Decimal("0.50"), "0.5")],
)
def test_numbers_in_strings(value: Decimal, text: str) -> None:
    assert json.number_text(value) == text
