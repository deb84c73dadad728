"""Requests that are as documented are answered, whatever operation they are of."""

import pytest

from backbeat.api.operations import OPERATIONS
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES, Example
from tests.integration.product import Product


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_valid_request_is_answered(example: Example, product: Product, estate: Estate) -> None:
    reply = example.send(product, estate)
    assert reply.status == example.status, reply


def test_there_is_an_example_of_every_operation() -> None:
    shown = {example.name.split()[0] for example in EXAMPLES}
    assert {operation.id for operation in OPERATIONS} <= shown
