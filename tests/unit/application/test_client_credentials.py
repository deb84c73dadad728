"""Tokens got by client credentials, for providers that want those."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from backbeat import bootstrap
from backbeat.application import client_credentials
from backbeat.application.services import Call
from backbeat.config import Config
from backbeat.models.errors import Unprocessable
from backbeat.ports.http import HttpFailure, HttpReply
from backbeat.ports.providers import Away
from tests.integration.product import TestClock

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
CLIENT = {
    "METRONOME_OAUTH_CLIENT_ID": "shop",
    "METRONOME_OAUTH_CLIENT_SECRET": "s&s",
    "METRONOME_OAUTH_TOKEN_URL": "https://id.example.com/token",
    "METRONOME_OAUTH_SCOPE": "billing:read",
}


@dataclass
class Issuer:
    """Gives a token with each answer, or what it is told to."""

    answer: HttpReply | HttpFailure | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        self.asked.append((url, dict(parse_qsl(body.decode()))))
        if isinstance(self.answer, HttpFailure):
            raise self.answer
        given = json.dumps({"access_token": f"token-{len(self.asked)}"}).encode()
        return self.answer or HttpReply(200, given)


def asking(issuer: Issuer, clock: TestClock, **settings: str) -> str:
    """Returns the token that calls to Metronome bear."""
    config = Config.model_validate({"BACKBEAT_STATE": ":memory:", **settings})
    services = replace(bootstrap.build(config, clock=clock), http=issuer)
    call = Call(services, "t1", "t1", NOON)
    client = services.providers.metronome.oauth
    assert client is not None
    first = client_credentials.token(call, client)
    assert client_credentials.token(call, client) == first
    clock.advance(seconds=300)
    assert client_credentials.token(call, client) != first
    return first


def test_a_token_is_asked_for_and_kept_for_a_while() -> None:
    issuer = Issuer()
    assert asking(issuer, TestClock(NOON), **CLIENT) == "token-1"
    wanted = {
        "grant_type": "client_credentials",
        "client_id": "shop",
        "client_secret": "s&s",
        "scope": "billing:read",
    }
    assert issuer.asked == [("https://id.example.com/token", wanted)] * 2


def test_credentials_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    held = {"client_id": "a", "client_secret": "b", "token_uri": "https://id.example.com/t"}
    file.write_text(json.dumps(held))
    issuer = Issuer()
    asking(issuer, TestClock(NOON), METRONOME_OAUTH_CREDENTIALS_FILE=str(file))
    url, wanted = issuer.asked[0]
    assert (url, wanted["client_id"], "scope" in wanted) == ("https://id.example.com/t", "a", False)


def test_nothing_is_tried_with_blanks() -> None:
    settings = {**CLIENT, "METRONOME_OAUTH_CLIENT_SECRET": ""}
    with pytest.raises(ValueError, match="client_secret missing"):
        bootstrap.build(Config.model_validate({"BACKBEAT_STATE": ":memory:", **settings}))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpReply(401, b'{"error": "invalid_client"}'), Unprocessable),
        (HttpReply(400, b"no"), Unprocessable),
        (HttpReply(500, b"{}"), Away),
        (HttpReply(200, b"{}"), Away),
        (HttpReply(200, b"[]"), Away),
        (HttpFailure("connection refused"), Away),
    ],
)
def test_why_there_is_none(answer: HttpReply | HttpFailure, error: type[Exception]) -> None:
    with pytest.raises(error):
        asking(Issuer(answer), TestClock(NOON), **CLIENT)


def test_without_a_client_there_is_none() -> None:
    services = bootstrap.build(Config.model_validate({"BACKBEAT_STATE": ":memory:"}))
    assert services.providers.metronome.oauth is None
