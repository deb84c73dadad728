"""Operations that are documented but not built, in whatever function they will be."""

import pytest

from backbeat.api.operations import BY_ID, NOT_BUILT, Operation
from tests.integration.conftest import nothing_changes
from tests.integration.product import Product
from tests.integration.store import WatchedStore

NOBODYS = "5d4a7f0e-7f0c-4b5e-9a52-0d0d4f3c2b1a"


@pytest.mark.parametrize(
    "operation", [BY_ID[id_] for id_ in sorted(NOT_BUILT)], ids=lambda operation: operation.id
)
def test_they_say_so(operation: Operation, product: Product, store: WatchedStore) -> None:
    path = operation.path
    while "{" in path:
        path = path[: path.index("{")] + NOBODYS + path[path.index("}") + 1 :]
    body = None if operation.method == "GET" else {"anything": "at all"}
    with nothing_changes(store):
        reply = product.request(operation.method, path, body)
        assert reply.status == 501
        assert reply.body["code"] == "NotImplemented"
        assert operation.path in reply.body["message"]
        assert product.request(operation.method, path, body, token=None).status == 401
