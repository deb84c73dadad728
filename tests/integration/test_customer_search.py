"""Finding customers by words of their names and aliases, in any state of the world."""

import hashlib
from contextlib import suppress

import pytest

from backbeat.application import customer_search, sandboxes
from backbeat.ports.store import Delete
from tests.integration.conftest import Stage
from tests.integration.product import DEMO, Product
from tests.integration.store import Crash, WatchedStore

SEARCH = "/search/customers"


def create(product: Product, name: str, *aliases: str) -> str:
    body = {"name": name, "ingest_aliases": list(aliases)}
    id_: str = product.post("/v1/customers", body).data["id"]
    return id_


def found(product: Product, text: str, **query: str) -> list[str]:
    return [one["name"] for one in product.get(SEARCH, text=text, **query).data]


def everywhere(product: Product, text: str, limit: int, **more: str) -> list[str]:
    """Returns what all pages hold."""
    names: list[str] = []
    query: dict[str, str] = {"text": text, "limit": str(limit), **more}
    while True:
        reply = product.get(SEARCH, **query).body
        assert len(reply["data"]) <= limit
        names += [one["name"] for one in reply["data"]]
        if reply["next_page"] is None:
            return names
        query["next_page"] = reply["next_page"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("acm", ["ACME Corp", "Acme-Müller"]),
        ("ACME", ["ACME Corp", "Acme-Müller"]),
        ("corp", ["ACME Corp", "Zeta corporation"]),
        ("acme corp", ["ACME Corp"]),
        ("co ac", ["ACME Corp"]),
        ("muller", ["Acme-Müller"]),
        ("müll", ["Acme-Müller"]),
        ("prod", ["Zeta corporation"]),
        ("zeta-prod", ["Zeta corporation"]),
        ("株", ["株式会社"]),
        ("<script>", ["<script>alert(1)</script>"]),
        ("orp", []),
        ("acme zeta", []),
        ("--", []),
    ],
)
def test_beginnings_of_words_find(text: str, names: list[str], product: Product) -> None:
    create(product, "ACME Corp")
    create(product, "Acme-Müller")
    create(product, "Zeta corporation", "zeta-prod")
    create(product, "株式会社")
    create(product, "<script>alert(1)</script>")
    assert sorted(found(product, text)) == sorted(names)


def test_an_id_and_an_alias_find_as_they_are(product: Product) -> None:
    acme = create(product, "Acme", "x--/9")
    assert found(product, acme) == ["Acme"]
    assert found(product, "x--/9") == ["Acme"]
    # By its alias and by its name at once, it is found once.
    create(product, "Twin", "twin")
    assert found(product, "twin") == ["Twin"]


def test_a_customer_with_two_such_words_is_found_once(product: Product) -> None:
    create(product, "Anna Anton Ann")
    assert found(product, "an") == ["Anna Anton Ann"]
    assert everywhere(product, "an", 1) == ["Anna Anton Ann"]


def test_pages_hold_everybody_once(product: Product) -> None:
    names = [f"Team {number:03} tea" for number in range(7)]
    for name in names:
        create(product, name)
    for limit in (1, 2, 3, 7, 50):
        assert sorted(everywhere(product, "tea", limit)) == names
    token = product.get(SEARCH, text="tea", limit="2").body["next_page"]
    assert product.get(SEARCH, text="other", next_page=token).status == 400


def test_a_name_is_found_as_it_is_now(product: Product) -> None:
    acme = create(product, "Acme Old", "first")
    product.post(f"/v1/customers/{acme}/setName", {"name": "New Acme"})
    assert found(product, "old") == []
    assert found(product, "new") == found(product, "acme") == ["New Acme"]
    product.post(f"/v1/customers/{acme}/setIngestAliases", {"ingest_aliases": ["second"]})
    assert found(product, "first") == []
    assert found(product, "sec") == ["New Acme"]
    product.post("/v1/customers/archive", {"id": acme})
    assert found(product, "acme") == []
    assert found(product, "acme", only_archived="true") == ["New Acme"]


def test_all_names_can_change_at_once(product: Product) -> None:
    acme = create(product, "A", *(f"a{number} b{number}" for number in range(50)))
    assert found(product, "b3") == ["A"]
    wanted = {"ingest_aliases": [f"c{number} d{number}" for number in range(50)]}
    assert product.post(f"/v1/customers/{acme}/setIngestAliases", wanted).status == 200
    assert (found(product, "b3"), found(product, "d3"), found(product, "d49")) == ([], ["A"], [])
    # The words of the first aliases count; any of them is found as it is.
    assert found(product, "c49 d49") == ["A"]


def test_others_find_nobody(product: Product) -> None:
    acme = create(product, "Acme", "acme")
    for text in ("acme", acme):
        assert product.get(SEARCH, token="other", text=text).data == []


def test_a_world_that_is_brought_back_is_searched(product: Product) -> None:
    create(product, "Before")
    product.post("/mock/snapshot", {"name": "then"})
    create(product, "After")
    assert found(product, "after") == ["After"]
    product.post("/mock/restore", {"name": "then"})
    assert found(product, "after") == []
    assert found(product, "before") == ["Before"]


def test_customers_from_before_there_were_words_are_made_up_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = stage.product
    ids = [create(product, f"Older {number}") for number in range(5)]
    product.post("/v1/customers/archive", {"id": ids[4]})
    forget_words(stage)
    monkeypatch.setattr(customer_search, "_LOOKED_AT", 2)
    told: list[tuple[bool, int]] = []
    for _ in range(4):
        reply = product.get(SEARCH, text="older", limit="10").body
        told.append((reply["complete"], len(everywhere(product, "older", 10))))
        if told[-1][0]:
            break
    # Two customers with each search; `everywhere` searches as well.
    assert told[0][0] is False
    assert told[-1] == (True, 4)
    assert everywhere(product, "older", 10, only_archived="true") == ["Older 4"]


def test_nobody_is_lost_where_the_process_dies(product: Product, store: WatchedStore) -> None:
    for writes in range(4):
        store.writes = 0

        def die(after: int = writes) -> None:
            if store.writes == after:
                raise Crash

        store.before = die
        with suppress(Crash):
            product.post("/v1/customers", {"name": f"Crashed {writes}"})
        store.before = lambda: None
        listed = [one["name"] for one in product.get("/v1/customers").data]
        assert sorted(found(product, "crashed")) == sorted(listed)
        assert not [one for one in product.get("/v1/auditLogs").data if "word" in str(one).lower()]


def test_what_is_no_search(product: Product) -> None:
    for query in ({}, {"text": " "}, {"text": "x" * 201}, {"text": "a", "limit": "0"}):
        reply = product.get(SEARCH, **query)
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")


def forget_words(stage: Stage) -> None:
    """Leaves the world as it was before customers had words."""
    owner = f"t{hashlib.sha256(DEMO.encode()).hexdigest()[:16]}"
    tenant = sandboxes.call_of(stage.product.services, owner).tenant
    items = stage.store.items_of(tenant, limit=10_000)
    words = [item.key for item in items if item.entity in ("Word", "_WordsKnown")]
    assert words
    stage.store.transact([Delete(key) for key in words])
