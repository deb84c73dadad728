"""Function `customers`: customers and their ingest aliases."""

import threading

from tests.integration.product import Product, Reply, TestClock, World, event

CUSTOMERS = "/v1/customers"


def aliases(product: Product, customer_id: str, *wanted: str) -> Reply:
    path = f"{CUSTOMERS}/{customer_id}/setIngestAliases"
    return product.post(path, {"ingest_aliases": list(wanted)})


def test_a_customer_is_what_was_created(product: Product) -> None:
    product.custom_field("customer", "tier")
    created = product.post(
        CUSTOMERS,
        {"name": "Acme", "ingest_aliases": ["acme", "a-1"], "custom_fields": {"tier": "gold"}},
    ).data
    assert created == {
        "id": created["id"],
        "external_id": "acme",
        "ingest_aliases": ["acme", "a-1"],
        "name": "Acme",
        "custom_fields": {"tier": "gold"},
    }
    assert product.get(f"{CUSTOMERS}/{created['id']}").data == {
        **created,
        "customer_config": {"salesforce_account_id": None},
        "created_at": "2025-01-15T12:00:00+00:00",
        "updated_at": "2025-01-15T12:00:00+00:00",
        "archived_at": None,
        "current_billable_status": {"value": "billable", "effective_at": None},
    }


def test_an_external_id_is_one_more_alias(product: Product) -> None:
    body = {"name": "Acme", "external_id": "ext", "ingest_aliases": ["acme"]}
    assert product.post(CUSTOMERS, body).data["ingest_aliases"] == ["ext", "acme"]


def test_a_name_is_cut_at_160_characters(product: Product) -> None:
    customer_id = product.post(CUSTOMERS, {"name": "x" * 161}).data["id"]
    assert product.get(f"{CUSTOMERS}/{customer_id}").data["name"] == "x" * 160


def test_a_customer_is_renamed(product: Product, world: World, clock: TestClock) -> None:
    clock.advance(hours=1)
    renamed = product.post(f"{CUSTOMERS}/{world.customer_id}/setName", {"name": "Beta"}).data
    assert renamed["name"] == "Beta"
    shown = product.get(f"{CUSTOMERS}/{world.customer_id}").data
    assert (shown["name"], shown["updated_at"]) == ("Beta", "2025-01-15T13:00:00+00:00")


class TestLists:
    def test_by_ids_and_by_alias(self, product: Product) -> None:
        made = [
            product.post(CUSTOMERS, {"name": name, "ingest_aliases": [name]}).data["id"]
            for name in ("a", "b", "c")
        ]
        wanted = ",".join([made[2], made[0], made[0]])
        found = product.get(CUSTOMERS, customer_ids=wanted).data
        assert sorted(one["id"] for one in found) == sorted([made[0], made[2]])
        [found] = product.get(CUSTOMERS, ingest_alias="b").data
        assert found["id"] == made[1]
        assert product.get(CUSTOMERS, ingest_alias="d").data == []

    def test_in_order_of_creation(self, product: Product, clock: TestClock) -> None:
        for name in ("first", "second", "third"):
            product.post(CUSTOMERS, {"name": name})
            clock.advance(seconds=1)
        listed = [one["name"] for one in product.get(CUSTOMERS).data]
        assert listed == ["first", "second", "third"]
        assert product.get(CUSTOMERS, only_archived="true").data == []


class TestAliases:
    def test_a_taken_alias_is_a_conflict(self, product: Product, world: World) -> None:
        reply = product.post(CUSTOMERS, {"name": "Beta", "ingest_aliases": ["b", "acme"]})
        assert (reply.status, reply.body["conflicting_id"]) == (409, world.customer_id)
        assert reply.body["conflicting_value"] == "acme"
        # Nothing of the request remains: its other alias is free.
        assert product.post(CUSTOMERS, {"name": "Gamma", "ingest_aliases": ["b"]}).status == 200

    def test_they_are_replaced_as_a_whole(self, product: Product, world: World) -> None:
        assert aliases(product, world.customer_id, "new", "new").status == 200
        assert product.get(f"{CUSTOMERS}/{world.customer_id}").data["ingest_aliases"] == ["new"]
        assert product.get(CUSTOMERS, ingest_alias="acme").data == []
        other = product.post(CUSTOMERS, {"name": "Beta", "ingest_aliases": ["acme"]})
        assert other.status == 200
        reply = aliases(product, world.customer_id, "new", "acme")
        assert (reply.status, reply.body["conflicting_id"]) == (409, other.data["id"])
        assert product.get(f"{CUSTOMERS}/{world.customer_id}").data["ingest_aliases"] == ["new"]

    def test_there_may_be_many(self, product: Product) -> None:
        many = [f"alias-{number}" for number in range(500)]
        made = product.post(CUSTOMERS, {"name": "Acme", "ingest_aliases": many})
        assert made.data["ingest_aliases"] == many
        for alias in (many[0], many[250], many[499]):
            [found] = product.get(CUSTOMERS, ingest_alias=alias).data
            assert found["id"] == made.data["id"]
        # A conflict deep inside the list gives all of them back.
        wanted = [*[f"other-{number}" for number in range(300)], many[7]]
        assert product.post(CUSTOMERS, {"name": "B", "ingest_aliases": wanted}).status == 409
        assert product.post(CUSTOMERS, {"name": "B", "ingest_aliases": wanted[:-1]}).status == 200

    def test_of_two_at_once_one_gets_it(self, product: Product) -> None:
        replies: list[Reply] = []

        def create(name: str) -> None:
            body = {"name": name, "ingest_aliases": ["wanted"]}
            replies.append(product.post(CUSTOMERS, body))

        threads = [threading.Thread(target=create, args=(f"c{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reply.status for reply in replies) == [200, *[409] * 7]
        assert len(product.get(CUSTOMERS).data) == 1

    def test_usage_follows_an_alias(self, product: Product, world: World) -> None:
        """Events sent before anybody had the alias count for whoever has it when usage is read."""
        product.post("/v1/ingest", [event("early", customer_id="later")])
        path = f"{CUSTOMERS}/{world.customer_id}/invoices"
        assert product.get(path).data[0]["total"] == 21
        aliases(product, world.customer_id, "acme", "later")
        # One more call of 2 cents, ten more tokens of 0.5 cents.
        assert product.get(path).data[0]["total"] == 28
        aliases(product, world.customer_id, "later")
        assert product.get(path).data[0]["total"] == 7
