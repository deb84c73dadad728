"""Webhook targets where only public ones are allowed: what a name stands for is checked late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from urllib3.util import connection

from backbeat import bootstrap
from backbeat.adapters.http import PooledHttp
from backbeat.ports.http import HttpFailure
from tests.integration.conftest import Stage
from tests.integration.product import Product

PUBLIC, ALSO_PUBLIC = "8.8.8.8", "2606:4700:4700::1111"


@dataclass
class Names:
    """Answers look-ups of host names, the next time with the next list."""

    answers: list[Sequence[str]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where connections were opened to; nobody is there."""
    opened: list[tuple[str, int]] = []

    def refuse(address: tuple[str, int], *rest: Any, **options: Any) -> None:
        opened.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(connection, "create_connection", refuse)
    return opened


def post(http: PooledHttp, url: str) -> str:
    """Posts in vain; returns why."""
    with pytest.raises(HttpFailure) as failed:
        http.post(url, headers={}, body=b"{}", timeout_seconds=5)
    return str(failed.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "ff02::1",
        # Private IPv4 addresses in the coats of IPv6.
        "::ffff:127.0.0.1",
        "::7f00:1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_private_addresses_are_refused(address: str, connected: list[tuple[str, int]]) -> None:
    http = PooledHttp(public_only=True, resolve=Names([[address]]))
    assert post(http, "https://example.com/hook") == "example.com is not at a public address"
    assert connected == []


@pytest.mark.parametrize(
    "address", [PUBLIC, ALSO_PUBLIC, "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]
)
def test_public_addresses_are_connected_to(address: str, connected: list[tuple[str, int]]) -> None:
    http = PooledHttp(public_only=True, resolve=Names([[address]]))
    post(http, "https://example.com:8443/hook")
    assert connected == [(address, 8443)]


def test_one_private_address_is_one_too_many(connected: list[tuple[str, int]]) -> None:
    http = PooledHttp(public_only=True, resolve=Names([[PUBLIC, "10.0.0.1"]]))
    assert "not at a public address" in post(http, "https://example.com/hook")
    assert connected == []


def test_a_name_is_looked_up_once_and_not_trusted_again(
    connected: list[tuple[str, int]],
) -> None:
    names = Names([[PUBLIC], ["127.0.0.1"]])
    http = PooledHttp(public_only=True, resolve=names)
    post(http, "https://example.com/hook")
    assert connected == [(PUBLIC, 443)]
    assert names.asked == [("example.com", 443)]
    assert "not at a public address" in post(http, "https://example.com/hook")
    assert connected == [(PUBLIC, 443)]


def test_further_addresses_are_tried(connected: list[tuple[str, int]]) -> None:
    http = PooledHttp(public_only=True, resolve=Names([[ALSO_PUBLIC, PUBLIC]]))
    post(http, "https://example.com/hook")
    assert connected == [(ALSO_PUBLIC, 443), (PUBLIC, 443)]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/hook", "only HTTPS is allowed"),
        ("https://127.0.0.1/hook", "127.0.0.1 is not at a public address"),
        ("https://127.1/hook", "127.1 is not at a public address"),
        ("https://2130706433/hook", "2130706433 is not at a public address"),
        ("https://[::1]/hook", "::1 is not at a public address"),
        ("https://localhost/hook", "localhost is not at a public address"),
    ],
)
def test_by_the_systems_own_look_up(
    url: str, reason: str, connected: list[tuple[str, int]]
) -> None:
    assert post(PooledHttp(public_only=True), url) == reason
    assert connected == []


@pytest.mark.parametrize("settings", [{"BACKBEAT_WEBHOOK_TARGETS": "public"}])
class TestThroughTheProduct:
    @pytest.fixture
    def product(self, stage: Stage) -> Iterator[Product]:
        http = PooledHttp(public_only=True, resolve=Names([["10.0.0.1"]]))
        with bootstrap.using(replace(stage.product.services, http=http)):
            yield stage.product

    def test_the_log_says_why_nothing_arrives(
        self, product: Product, connected: list[tuple[str, int]]
    ) -> None:
        target = {"target": "https://intranet.example.com/hook"}
        assert product.post("/webhooks/subscriptions", target).status == 200
        product.post("/webhooks/dispatch", {"type": "x"})
        product.work_off_webhooks()
        [pending] = product.get("/webhooks/deliveries").data
        [attempt] = pending["attempts"]
        assert attempt["error"] == "intranet.example.com is not at a public address"
        assert connected == []


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"BACKBEAT_WEBHOOK_TARGETS": "public"}, "only HTTPS is allowed"),
        ({"BACKBEAT_WEBHOOK_TARGETS": "any"}, "Connection refused"),
    ],
)
def test_the_stage_decides(
    settings: dict[str, str], error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"BACKBEAT_STATE": ":memory:", **settings}.items():
        monkeypatch.setenv(name, value)
    bootstrap.forget()
    services = bootstrap.services()
    bootstrap.forget()
    with pytest.raises(HttpFailure) as failed:
        services.http.post("http://127.0.0.1:9/", headers={}, body=b"", timeout_seconds=5)
    assert error in str(failed.value)
