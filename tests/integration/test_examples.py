"""Requests that are as documented are answered, whatever operation they are of."""

import json

import pytest
from jsonschema import Draft202012Validator

from backbeat.api.operations import OPERATIONS
from backbeat.api.reply_forms import EMPTY, SCHEMAS
from backbeat.api.reply_objects import OBJECTS
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES, Example
from tests.integration.product import Product


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_valid_request_is_answered(example: Example, product: Product, estate: Estate) -> None:
    reply = example.send(product, estate)
    assert reply.status == example.status, reply
    form = SCHEMAS.get(example.name.split()[0])
    if form is not None and reply.status == 200:
        whole = {**form, "components": {"schemas": OBJECTS}}
        Draft202012Validator(whole).validate(json.loads(json.dumps(reply.body, default=float)))
    if example.name.split()[0] in EMPTY:
        assert reply.body is None


def test_there_is_an_example_of_every_operation() -> None:
    shown = {example.name.split()[0] for example in EXAMPLES}
    assert {operation.id for operation in OPERATIONS} <= shown
