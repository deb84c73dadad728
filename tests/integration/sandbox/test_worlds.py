"""Snapshots, files, and the whole state: what comes back is what was saved."""

import contextlib
import gzip
import hashlib
import json
from typing import Any

import pytest

from backbeat.application import snapshots, worlds
from tests.integration.conftest import Stage
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES
from tests.integration.product import DEMO, Product, Reply, World, event
from tests.integration.store import Crash, WatchedStore
from tests.integration.targets import Targets

TARGET = "https://example.com/hook"

READS = [
    example
    for example in EXAMPLES
    if example.method == "GET"
    and not example.path.startswith(("/mock/requests", "/mock/snapshots"))
]


def save(product: Product, name: str = "before", token: str = DEMO) -> Reply:
    reply = product.post("/mock/snapshot", {"name": name}, token=token)
    assert reply.status == 200, reply
    return reply


def restore(product: Product, name: str = "before", token: str = DEMO) -> Reply:
    reply = product.post("/mock/restore", {"name": name}, token=token)
    assert reply.status == 200, reply
    return reply


def world_of(product: Product, token: str = DEMO) -> Any:
    return product.get("/mock/fixtures", token=token).body


def file_of(product: Product, name: str = "before", token: str = DEMO) -> bytes:
    body = product.get(f"/mock/snapshots/{name}", token=token).body
    assert isinstance(body, bytes)
    return body


def upload(product: Product, file: str | bytes, token: str = DEMO) -> Reply:
    return product.request("POST", "/mock/restore", text=file, token=token)


def spoil(product: Product, world: World | Estate) -> None:
    """Changes everything: more usage, finalized invoices, other names, another clock."""
    product.post("/webhooks/subscriptions", {"target": TARGET})
    product.post("/v1/customers", {"name": "Another"})
    product.post("/v1/ingest", [event("after", timestamp="2025-01-15T11:00:00Z")])
    product.post("/mock/clock", {"now": "2025-06-02T00:00:00Z"})


class TestSnapshots:
    def test_what_comes_back_is_what_was_saved(self, product: Product, estate: Estate) -> None:
        document = world_of(product)
        state = product.get("/mock/state").data
        answers = {example.name: example.send(product, estate) for example in READS}
        save(product)
        spoil(product, estate)
        assert world_of(product) != document
        restore(product)
        assert world_of(product) == document
        assert product.get("/mock/state").data == state
        for example in READS:
            assert example.send(product, estate).body == answers[example.name].body, example.name

    def test_it_comes_back_again_and_again(self, product: Product, world: World) -> None:
        document = world_of(product)
        save(product)
        for _ in range(3):
            spoil(product, world)
            restore(product)
            assert world_of(product) == document

    def test_life_goes_on_from_there(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        save(product)
        product.post("/mock/clock", {"now": "2025-02-02T00:00:00Z"})
        restore(product)
        product.post("/v1/ingest", [event("one more")])
        product.post("/mock/clock", {"now": "2025-02-02T00:00:00Z"})
        [january, _] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
        # 4 calls at 2 cents and 40 tokens at half a cent: 8 + 20.
        assert (january["status"], january["total"]) == ("FINALIZED", 28)
        assert [one["type"] for one in targets.events(TARGET)].count("invoice.finalized") == 2

    def test_events_stay_counted_once(self, product: Product, world: World) -> None:
        save(product)
        restore(product)
        product.post("/v1/ingest", [event("call-0")])
        [draft] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
        assert draft["total"] == 21

    def test_it_outlives_a_reset(self, product: Product, world: World) -> None:
        document = world_of(product)
        save(product)
        product.post("/mock/reset")
        assert product.get("/v1/customers").data == []
        restore(product)
        assert world_of(product) == document

    def test_the_clock_is_part_of_it(self, product: Product) -> None:
        product.post("/mock/clock", {"now": "2025-01-20T00:00:00Z"})
        saved = save(product).data
        assert saved["now"] == "2025-01-20T00:00:00+00:00"
        product.post("/mock/clock", {"now": "2026-01-20T00:00:00Z"})
        assert restore(product).data["frozen_at"] == "2025-01-20T00:00:00+00:00"

    def test_the_webhook_secret_stays_as_it_is(self, product: Product, targets: Targets) -> None:
        save(product)
        product.post("/v1/client/config/webhook_secret", {"webhook_secret": "mine"})
        restore(product)
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "x"})
        product.work_off_webhooks()
        [post] = targets.posts
        headers = {name: post.headers[name] for name in ("date", "metronome-webhook-signature")}
        told = product.request("POST", "/webhooks/verify", text=post.body, headers=headers)
        assert told.status == 200
        assert b"mine" not in gzip.decompress(file_of(product))

    def test_webhooks_under_way_are_sent_afterwards(self, stage: Stage, targets: Targets) -> None:
        product = stage.product
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "x"})
        targets.down.add(TARGET)
        with contextlib.suppress(AssertionError):
            product.work_off_webhooks()
        save(product)
        restore(product)
        targets.down.clear()
        product.work_off_webhooks()
        [sent] = product.get("/webhooks/deliveries").data
        assert sent["state"] == "DELIVERED"

    def test_faults_and_the_log_are_not_part_of_it(self, product: Product) -> None:
        product.get("/v1/customers")
        product.post("/mock/faults", {"faults": [{"kind": "drop", "path": "/never"}]})
        save(product)
        restore(product)
        assert product.get("/mock/faults").data == []
        assert product.get("/mock/requests").data["total"] == 0

    def test_a_later_one_of_the_name_replaces_it(self, product: Product) -> None:
        product.post("/v1/customers", {"name": "First"})
        save(product)
        product.post("/v1/customers", {"name": "Second"})
        save(product)
        product.post("/mock/reset")
        restore(product)
        names = {one["name"] for one in product.get("/v1/customers").data}
        assert names == {"First", "Second"}
        [listed] = product.get("/mock/snapshots").data
        assert listed["name"] == "before"

    def test_the_default_name(self, product: Product) -> None:
        assert product.post("/mock/snapshot").data["name"] == "default"
        assert product.post("/mock/restore").status == 200

    def test_removal(self, product: Product) -> None:
        save(product)
        assert product.request("DELETE", "/mock/snapshots/before").status == 200
        assert product.get("/mock/snapshots").data == []
        assert product.post("/mock/restore", {"name": "before"}).status == 404
        assert product.get("/mock/snapshots/before").status == 404

    def test_they_are_of_one_token(self, product: Product, world: World) -> None:
        save(product)
        assert product.get("/mock/snapshots", token="other").data == []
        refused = product.post("/mock/restore", {"name": "before"}, token="other")
        assert refused.status == 404

    def test_there_are_not_too_many(self, product: Product) -> None:
        for number in range(20):
            save(product, f"s{number}")
        refused = product.post("/mock/snapshot", {"name": "s20"})
        assert (refused.status, "20" in refused.body["message"]) == (400, True)
        save(product, "s19")

    @pytest.mark.parametrize("name", ["", ".", "../x", "a b", "ä", "a" * 65, "a/b"])
    def test_names(self, name: str, product: Product) -> None:
        assert product.post("/mock/snapshot", {"name": name}).status == 400

    def test_worlds_are_bounded(
        self, product: Product, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worlds, "MAX_ITEMS", 5)
        for reply in (product.post("/mock/snapshot"), product.get("/mock/state")):
            assert (reply.status, "5 items" in reply.body["message"]) == (400, True)
        monkeypatch.undo()
        monkeypatch.setattr(snapshots, "MAX_BYTES", 100)
        assert product.post("/mock/snapshot").status == 400
        assert product.get("/mock/snapshots").data == []

    @pytest.mark.parametrize("writes", range(5))
    def test_a_crash_leaves_the_world_before_or_the_one_saved(
        self, writes: int, product: Product, world: World, store: WatchedStore
    ) -> None:
        saved = world_of(product)
        save(product)
        product.post("/v1/customers", {"name": "Another"})
        now = world_of(product)
        begun = store.writes

        def crash() -> None:
            if store.writes - begun >= writes:
                raise Crash

        store.before = crash
        with contextlib.suppress(Crash):
            product.post("/mock/restore", {"name": "before"})
        store.before = lambda: None
        assert world_of(product) in (saved, now)
        restore(product)
        assert world_of(product) == saved

    def test_of_two_at_a_time_one_wins(
        self, product: Product, world: World, store: WatchedStore
    ) -> None:
        save(product)

        def reset() -> None:
            store.after = lambda: None
            product.post("/mock/reset")

        # In the middle of it, after the first write.
        store.after = reset
        assert product.post("/mock/restore", {"name": "before"}).status == 503
        assert product.get("/v1/customers").data == []


class TestFiles:
    def test_another_token_loads_it(self, product: Product, world: World) -> None:
        save(product)
        spoil(product, world)
        file = file_of(product)
        assert upload(product, file, token="other").status == 200
        restore(product)
        assert world_of(product, token="other") == world_of(product)
        [draft] = product.get(f"/v1/customers/{world.customer_id}/invoices", token="other").data
        assert (draft["id"], draft["total"]) == (world.invoice_id, 21)

    def test_the_two_live_apart(self, product: Product, world: World) -> None:
        save(product)
        upload(product, file_of(product), token="other")
        product.post("/mock/clock", {"now": "2025-02-02T00:00:00Z"}, token="other")
        [mine] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
        assert mine["status"] == "DRAFT"

    def test_equal_worlds_give_equal_files(self, product: Product, world: World) -> None:
        save(product)
        upload(product, file_of(product), token="other")
        save(product, token="other")
        assert file_of(product, token="other") == file_of(product)

    def test_an_export_is_loaded_like_a_file(self, product: Product, world: World) -> None:
        document = world_of(product)
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        for path in ("/mock/restore", "/mock/fixtures"):
            product.post("/mock/reset")
            assert product.request("POST", path, text=text).status == 200
            assert world_of(product) == document

    def test_nothing_of_the_token_is_in_it(self, product: Product, world: World) -> None:
        tenant = f"t{hashlib.sha256(DEMO.encode()).hexdigest()[:16]}"
        assert tenant not in json.dumps(world_of(product))
        assert tenant not in json.dumps(product.get("/mock/state").body, default=str)


def forged(document: Any, **changes: Any) -> str:
    """Returns a document with another first item, and with a checksum that fits."""
    document["items"][0] |= changes
    rows = [json.dumps(item) for item in document["items"]]
    checksum = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return f'{{"backbeat":1,"checksum":"{checksum}","items":[{",".join(rows)}]}}'


class TestFilesThatAreNone:
    def refused(self, product: Product, file: str | bytes, *named: str) -> None:
        before = world_of(product)
        reply = upload(product, file)
        assert reply.status == 400, reply
        for name in named:
            assert name in reply.body["message"]
        assert world_of(product) == before

    def test_a_changed_one(self, product: Product, world: World) -> None:
        text = json.dumps(world_of(product)).replace("Acme", "Evil")
        self.refused(product, text, "checksum")

    def test_a_damaged_one(self, product: Product, world: World) -> None:
        save(product)
        file = file_of(product)
        self.refused(product, file[:-20], "saved world")
        self.refused(product, file[:40] + b"\0\0\0\0" + file[44:])

    def test_a_bomb(self, product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(snapshots, "_MAX_UNPACKED_BYTES", 1000)
        self.refused(product, gzip.compress(b" " * 1001), "too large")

    @pytest.mark.parametrize(
        "text",
        [
            '{"backbeat":2,"checksum":"","items":[]}',
            '{"backbeat":1,"items":[]}',
            '{"backbeat":1,"checksum":"","items":{}}',
            '{"backbeat":"one","checksum":"","items":[]}',
        ],
    )
    def test_another_form(self, text: str, product: Product) -> None:
        self.refused(product, text)

    @pytest.mark.parametrize(
        "changes",
        [
            {"pk": "t1111111111111111"},
            {"pk": "t00000000000000001#X"},
            {"gsi1": ["t1111111111111111#CUSTOMERS#active", "x"]},
            {"gsi2": ["t1111111111111111#DUE#00", "x"]},
            {"doc": {"pk": "t1111111111111111#CUS#x", "sk": "DUE#x"}},
            {"gsi1": ["TENANTS", "x"], "pk": "t0000000000000000#X"},
            {"doc": 17, "version": "one"},
            {"numbers": {"sum": "many"}},
            {"numbers": {"sum": "0." + "1" * 50}},
            {"sk": 5},
        ],
    )
    def test_a_forged_one(self, changes: Any, product: Product, world: World) -> None:
        self.refused(product, forged(world_of(product), **changes))

    def test_the_forging_itself_is_sound(self, product: Product, world: World) -> None:
        assert upload(product, forged(world_of(product))).status == 200


class TestState:
    def test_everything_is_shown(self, product: Product, world: World) -> None:
        state = product.get("/mock/state").data
        assert state["counts"]["Customer"] == 1
        assert state["counts"] == {kind: len(all_) for kind, all_ in state["entities"].items()}
        [customer] = state["entities"]["Customer"]
        assert (customer["id"], customer["name"]) == (world.customer_id, "Acme")
        assert state["now"] == "2025-01-15T12:00:00+00:00"

    def test_one_kind(self, product: Product, world: World) -> None:
        state = product.get("/mock/state", entity="RateCard").data
        assert list(state["entities"]) == ["RateCard"]
        assert state["counts"]["Customer"] == 1

    def test_what_was_counted(self, product: Product, world: World) -> None:
        state = product.get("/mock/state").data
        cells = [item["numbers"] for item in state["entities"]["Cells"]]
        # Of the day: 3 calls, and 3 events with 10 tokens each.
        assert sorted(cell["s"] for cell in cells) == [3, 30]
