"""What every place for secrets promises, see `backbeat.ports.secrets`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import boto3
import pytest

from backbeat.adapters.aws.ssm import SsmSecrets
from backbeat.adapters.sqlite.secrets import SqliteSecrets
from backbeat.ports.secrets import Secrets

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

    from backbeat.adapters.sqlite.database import Database


@pytest.fixture(scope="session")
def ssm_client(aws_session: boto3.session.Session) -> "SSMClient":
    return aws_session.client("ssm")


@pytest.fixture(params=["sqlite memory", "moto"])
def secrets(request: pytest.FixtureRequest) -> Secrets:
    if request.param == "moto":
        request.getfixturevalue("aws")
        return SsmSecrets("/backbeat/test", request.getfixturevalue("ssm_client"))
    open_database: Callable[[str], Database] = request.getfixturevalue("open_database")
    return SqliteSecrets(open_database(request.param))


def test_an_unknown_secret_reads_as_none(secrets: Secrets) -> None:
    assert secrets.get("webhook") is None


def test_a_secret_reads_back_and_is_replaced(secrets: Secrets) -> None:
    secrets.put("webhook", "s3cret\n😀 ")
    assert secrets.get("webhook") == "s3cret\n😀 "
    secrets.put("webhook", "other")
    assert secrets.get("webhook") == "other"


def test_a_deleted_secret_is_gone_and_may_be_deleted_again(secrets: Secrets) -> None:
    secrets.put("webhook", "a")
    secrets.delete("webhook")
    assert secrets.get("webhook") is None
    secrets.delete("webhook")
    secrets.put("webhook", "b")
    assert secrets.get("webhook") == "b"


def test_names_are_told_apart_whatever_they_are_made_of(secrets: Secrets) -> None:
    names = ["a#b", "a/b", "a.b", "a_b", "a.2fb", "a%2Fb", "A/B", "ä b", "a", "aws", "../x"]
    for name in names:
        secrets.put(name, f"secret of {name}")
    assert [secrets.get(name) for name in names] == [f"secret of {name}" for name in names]
    secrets.delete("a/b")
    assert [name for name in names if secrets.get(name) is None] == ["a/b"]


@pytest.fixture
def parameters(aws: None, ssm_client: "SSMClient") -> Callable[[], dict[str, str]]:
    """Lists the names and types of what lies in the parameter store."""

    def listed() -> dict[str, str]:
        return {p["Name"]: p["Type"] for p in ssm_client.describe_parameters()["Parameters"]}

    return listed


def test_parameters_are_encrypted_and_lie_below_the_prefix(
    parameters: Callable[[], dict[str, str]], ssm_client: "SSMClient"
) -> None:
    SsmSecrets("/backbeat/test/", ssm_client).put("T#../webhook", "a")
    SsmSecrets("/backbeat/prod", ssm_client).put("webhook_secret", "b")
    assert parameters() == {
        "/backbeat/test/T.23.2e.2e.2fwebhook": "SecureString",
        "/backbeat/prod/webhook_secret": "SecureString",
    }
