"""`bootstrap`: one set of services per process, and how it is exchanged."""

from pathlib import Path

import pytest

from backbeat import bootstrap
from backbeat.config import Config
from backbeat_local.runner import Runner
from backbeat_local.template import Template
from tests.integration.conftest import LOCAL


def test_services_are_built_once_until_they_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOCAL.items():
        monkeypatch.setenv(name, value)
    bootstrap.forget()
    first = bootstrap.services()
    assert bootstrap.services() is first
    bootstrap.forget()
    assert bootstrap.services() is not first
    bootstrap.forget()


def test_others_are_used_for_a_while() -> None:
    outer = bootstrap.build(Config.model_validate(LOCAL))
    inner = bootstrap.build(Config.model_validate(LOCAL))
    with bootstrap.using(outer):
        with bootstrap.using(inner):
            assert bootstrap.services() is inner
        assert bootstrap.services() is outer


def test_a_runner_started_again_has_the_state_it_is_given(
    template: Template, tmp_path: Path
) -> None:
    import httpx

    def names(state: str, *, create: str | None = None) -> list[str]:
        with Runner(template, tmp_path / state) as runner:
            client = httpx.Client(
                base_url=runner.base_url, headers={"Authorization": "Bearer t"}, timeout=30
            )
            with client:
                if create is not None:
                    client.post("/v1/customers", json={"name": create}).raise_for_status()
                listed = client.get("/v1/customers").json()["data"]
                return [customer["name"] for customer in listed]

    assert names("first", create="Acme") == ["Acme"]
    assert names("second", create="Beta") == ["Beta"]
    assert names("first") == ["Acme"]
