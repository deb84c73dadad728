"""What subscribers are told, byte for byte."""

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from backbeat.domain import invoicing, notices
from backbeat.domain.notices.shapes import event
from backbeat.models.money import USD
from tests.unit.builders import contract, customer, period, utc


def test_a_created_contract() -> None:
    acme = customer("customer-1", custom_fields={"tier": "gold"})
    agreement = contract("2025-01-01", id_="contract-1").model_copy(
        update={"created_at": utc("2025-01-02T03:04:05.678"), "custom_fields": {"deal": "7"}}
    )
    notice = notices.contract_created(agreement, acme, environment_type="SANDBOX")
    assert notice.type == "contract.create"
    assert notice.created_at == utc("2025-01-02T03:04:05.678")
    assert json.loads(notice.body) == {
        "id": notice.id,
        "type": "contract.create",
        # Flat events carry whole seconds.
        "timestamp": "2025-01-02T03:04:05Z",
        "environment_type": "SANDBOX",
        "contract_id": "contract-1",
        "contract_custom_fields": {"deal": "7"},
        "customer_id": "customer-1",
        "customer_custom_fields": {"tier": "gold"},
    }


def test_a_finalized_invoice() -> None:
    draft = invoicing.draft(
        contract("2025-01-01"),
        customer("customer-1"),
        period("2025-01-01", "2025-02-01"),
        credit_type=USD,
        lines=lambda _: (),
    )
    # The same instant, named in another zone.
    at = datetime(2025, 2, 2, 1, 0, 0, 5000, tzinfo=timezone(timedelta(hours=1)))
    notice = notices.invoice_finalized(invoicing.finalize(draft, at=at), at=at)
    assert notice.type == "invoice.finalized"
    assert json.loads(notice.body) == {
        "id": notice.id,
        "type": "invoice.finalized",
        "properties": {
            "invoice_id": draft.id,
            "customer_id": "customer-1",
            # Events with properties carry milliseconds.
            "invoice_finalized_date": "2025-02-02T00:00:00.005Z",
        },
    }


def test_the_same_fact_has_the_same_id_and_another_fact_another() -> None:
    def told(contract_id: str) -> str:
        created = contract("2025-01-01", id_=contract_id)
        return notices.contract_created(created, customer(), environment_type="SANDBOX").id

    assert told("a") == told("a")
    assert told("a") != told("b")
    assert UUID(told("a")).version == 5


def test_numbers_keep_every_digit_and_what_is_missing_is_left_out() -> None:
    properties = {
        "threshold": Decimal("1E+4"),
        "current_spend": Decimal("12500.000000000000000001"),
        "group_values": [{"key": "workspace", "value": "b"}],
        "triggered_by": None,
    }
    notice = event("alerts.x", properties, fact="1", at=utc("2025-01-01"))
    assert notice.body == (
        f'{{"id":"{notice.id}","type":"alerts.x","properties":{{"threshold":10000,'
        '"current_spend":12500.000000000000000001,'
        '"group_values":[{"key":"workspace","value":"b"}]}}'
    )
