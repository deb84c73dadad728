"""The adapters that the contract suites run on."""

import decimal
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from backbeat.adapters.aws.dynamodb import DynamoStore
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.store import SqliteStore
from backbeat.ports.store import Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REAL_TABLE = "BACKBEAT_TEST_DYNAMODB_TABLE"
"""Names an existing table, in the account and region of the environment, to run on as well."""

SHARED_STORES = [
    "sqlite memory",
    "sqlite file",
    *(["dynamodb"] if REAL_TABLE in os.environ else []),
]


@pytest.fixture(params=[*SHARED_STORES, "moto"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each store in turn."""
    return open_store(request, request.param)


@pytest.fixture(params=SHARED_STORES)
def shared_store(request: pytest.FixtureRequest) -> Store:
    """The stores that many threads may use; moto's table is not made for that."""
    return open_store(request, request.param)


def open_store(request: pytest.FixtureRequest, kind: str) -> Store:
    match kind:
        case "sqlite memory" | "sqlite file":
            open_database: Callable[[str], Database] = request.getfixturevalue("open_database")
            return SqliteStore(open_database(kind))
        case "moto":
            client: DynamoDBClient = request.getfixturevalue("dynamodb")
            new_table: Callable[[], str] = request.getfixturevalue("new_table")
            return DynamoStore(new_table(), client)
        case _:
            return DynamoStore(os.environ[REAL_TABLE])


@pytest.fixture
def open_database(tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """Opens "sqlite memory" or "sqlite file" and closes what it opened."""
    with ExitStack() as opened:

        def open_one(kind: str) -> Database:
            path = ":memory:" if kind == "sqlite memory" else str(tmp_path / "state.sqlite3")
            database = Database(path)
            opened.callback(database.close)
            return database

        yield open_one


@pytest.fixture
def pk() -> str:
    """A partition of the test's own, also on a table that outlives the test."""
    return f"T#{uuid.uuid4()}"


@pytest.fixture(scope="session")
def aws_session() -> boto3.session.Session:
    """Makes clients with credentials that no real AWS would accept; making one is slow."""
    return boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )


@pytest.fixture
def aws() -> Iterator[None]:
    """AWS as moto imitates it, empty."""
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def dynamodb_client(aws_session: boto3.session.Session) -> "DynamoDBClient":
    return aws_session.client("dynamodb")


@pytest.fixture
def dynamodb(aws: None, dynamodb_client: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    # moto adds numbers in the caller's context; DynamoDB keeps 38 digits.
    with decimal.localcontext(decimal.Context(prec=38)):
        yield dynamodb_client


@pytest.fixture
def new_table(dynamodb: "DynamoDBClient") -> Callable[[], str]:
    """Makes empty tables with the indexes of the template."""

    def create() -> str:
        name = f"backbeat-{uuid.uuid4()}"
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk")
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "gsi1",
                    "KeySchema": [
                        {"AttributeName": "gsi1pk", "KeyType": "HASH"},
                        {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                },
                {
                    "IndexName": "gsi2",
                    "KeySchema": [
                        {"AttributeName": "gsi2pk", "KeyType": "HASH"},
                        {"AttributeName": "gsi2sk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                },
            ],
        )
        return name

    return create
