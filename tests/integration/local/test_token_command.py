"""`backbeat token create`: what it prints opens a world where tokens are issued."""

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from backbeat import bootstrap
from backbeat.application import tokens
from backbeat.config import Config
from backbeat.models.errors import Unauthenticated
from backbeat_local.cli import main


def test_a_created_token_is_known_to_a_stage_that_wants_issued_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = f"{tmp_path}/state.sqlite3"
    monkeypatch.setenv("BACKBEAT_STATE", state)
    monkeypatch.setenv("BACKBEAT_TABLE", "unused-with-a-state-file")

    result = CliRunner().invoke(main, ["token", "create", "--name", "ci"])

    assert result.exit_code == 0, result.output
    token = result.output.split()[-1]
    settings = {"BACKBEAT_STATE": state, "BACKBEAT_TOKENS": "issued"}
    services = bootstrap.build(Config.model_validate(settings))
    owner = tokens.owner_of(services, hashlib.sha256(token.encode()).hexdigest())
    assert owner.startswith("t")
    with pytest.raises(Unauthenticated):
        tokens.owner_of(services, hashlib.sha256(b"another").hexdigest())


def test_a_table_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKBEAT_TABLE", raising=False)
    result = CliRunner().invoke(main, ["token", "create"])
    assert result.exit_code == 2
    assert "--table" in result.output
