"""The documented API: what its OpenAPI 3.0 file says about operations, as JSON Schema."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from backbeat.api.operations import Operation
from tests.contract.function_api import ROOT

FILE: Final = ROOT.parent / "shared/reference/metronome-openapi.json"

_METHODS: Final = ("delete", "get", "patch", "post", "put")
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

Node = dict[str, Any]

_ACCOUNT: Final[Node] = {
    "customer_id": {"type": "string", "format": "uuid"},
    "configuration": {"type": "object", "additionalProperties": True},
    "delivery_method_id": {"type": "string", "format": "uuid"},
    "delivery_method_configuration": {"type": "object", "additionalProperties": True},
    "archived_at": {"type": "string", "format": "date-time", "nullable": True},
}

_MORE: Final[dict[str, Node]] = {
    # The file is older than the official SDK, which has these, and needs most of them.
    "Contract/customer_billing_provider_configuration": _ACCOUNT,
    "ContractV2/customer_billing_provider_configuration": _ACCOUNT,
    "Invoice": {"regenerated_from_invoice_id": {"type": "string", "format": "uuid"}},
    "ProductListItemState": {"include_composite_spend": {"type": "boolean"}},
    "ProductListItemUpdate": {"include_composite_spend": {"type": "boolean"}},
    "Subscription": {"created_at": {"type": "string", "format": "date-time"}},
    "RecurringCredit": {"anchor_date": {"type": "string", "format": "date-time"}},
    "RecurringCreditV2": {"anchor_date": {"type": "string", "format": "date-time"}},
    # A rate has its minimum everywhere but in the answer to adding it.
    "RateWithCommitRate": {"minimum_config": {"type": "object"}},
    # It is required there, and not described.
    "CreditTemplate": {"type": {"enum": ["CREDIT"]}},
    # What an edit changes is a field of the edit, but for this one.
    "ContractEdit": {"update_net_payment_terms_days": {"type": "integer"}},
    # The operation's description says that it is there.
    "CustomerBillingProviderArchivePayload": {"success": {"enum": [True]}},
}
"""Properties that replies may have beyond the file's, by schema (and property) of the object."""

_formats: Final = FormatChecker()


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value)
    return _RFC3339.fullmatch(value) is not None


@cache
def openapi() -> "OpenApi":
    """Returns the documented API; skips the test where the file is not."""
    if not FILE.is_file():
        pytest.skip(f"the API's OpenAPI document is not at {FILE}")
    return OpenApi(json.loads(FILE.read_text()))


class OpenApi:
    """Operations by id, and validators of what they answer."""

    def __init__(self, document: Node) -> None:
        self._document = document
        self._operations: dict[str, tuple[str, Node]] = {
            described["operationId"]: (f"{method.upper()} {path}", described)
            for path, methods in document["paths"].items()
            for method, described in methods.items()
            if method in _METHODS
        }
        schemas = document["components"]["schemas"]
        for path, properties in _MORE.items():
            name, *inner = path.split("/")
            extended = schemas[name]
            for step in inner:
                extended = extended["properties"][step]
            extended["properties"] |= properties
        self._definitions = {
            "closed": {name: _schema(node, closed=True) for name, node in schemas.items()},
            "open": {name: _schema(node, closed=False) for name, node in schemas.items()},
        }

    def routes(self) -> dict[str, str]:
        """Returns method and path by operation id."""
        return {id_: route for id_, (route, _) in self._operations.items()}

    def statuses(self, operation: Operation) -> set[str]:
        """Returns the statuses that are documented."""
        return {*self._described(operation)["responses"]}

    def body_schema(self, operation: Operation) -> Node:
        """Returns the schema of the request's body, empty when it has none."""
        content = self._described(operation).get("requestBody", {}).get("content", {})
        schema: Node = content.get("application/json", {}).get("schema", {})
        return self._resolved(schema)

    def problems(self, operation: Operation, status: int, sent: bytes) -> list[str]:
        """Returns what is wrong with a reply: each place, and what the document wants there.

        Properties that the document does not have are wrong too, but in errors: ours say more
        (decisions D-02 and D-04).
        """
        response = self._described(operation)["responses"].get(str(status))
        if response is None and status >= 400:
            # Hardly any operation names all its errors; their form is the same everywhere.
            response = self._document["components"]["responses"]["NotFound"]
        if response is None:
            return [f"status {status} is not documented"]
        content = self._resolved(response).get("content")
        if content is None:
            return [] if sent == b"" else ["the body should be empty"]
        if "application/pdf" in content:
            return [] if sent.startswith(b"%PDF-") else ["the body should be a PDF document"]
        schema = _schema(content["application/json"]["schema"], closed=status < 400)
        validator = Draft202012Validator(
            {**schema, "$defs": self._definitions}, format_checker=_formats
        )
        return [
            f"{error.json_path}: {error.message[:300]}"
            for error in validator.iter_errors(json.loads(sent))
        ]

    def _described(self, operation: Operation) -> Node:
        return self._operations[operation.id][1]

    def _resolved(self, node: Node) -> Node:
        while "$ref" in node:
            found: Any = self._document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node


def _schema(node: Node, *, closed: bool) -> Node:
    """Returns an OpenAPI 3.0 schema as JSON Schema 2020-12.

    A closed object has no properties but those that are documented. Members of `allOf` stay open,
    since each of them knows only its own; the whole is closed around them.
    """
    if "$ref" in node:
        # What stands beside a reference does not count: an invoice's `billable_status` is said to
        # be an object there, and is the text that the reference describes.
        kind, name = "closed" if closed else "open", node["$ref"].split("/")[-1]
        return _nullable(node, {"$ref": f"#/$defs/{kind}/{name}"})
    composed = "allOf" in node or "properties" in node
    schema = dict(_keywords(node, members_closed=closed and not composed))
    if closed and composed and "additionalProperties" not in node:
        schema["unevaluatedProperties"] = False
    return _nullable(node, schema)


def _keywords(node: Node, *, members_closed: bool) -> Iterator[tuple[str, Any]]:
    for keyword, value in node.items():
        match keyword:
            case "properties":
                yield keyword, {name: _schema(one, closed=True) for name, one in value.items()}
            case "items" | "not":
                yield keyword, _schema(value, closed=keyword == "items")
            case "additionalProperties":
                yield keyword, value if isinstance(value, bool) else _schema(value, closed=True)
            case "allOf":
                yield keyword, [_schema(one, closed=False) for one in value]
            case "oneOf" | "anyOf":
                yield keyword, [_schema(one, closed=members_closed) for one in value]
            case "nullable" | "example" | "discriminator" | "description":
                pass
            case _:
                yield keyword, value


def _nullable(node: Node, schema: Node) -> Node:
    return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") else schema
