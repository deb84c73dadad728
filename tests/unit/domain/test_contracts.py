import json
from datetime import UTC, datetime
from decimal import Decimal

from backbeat.domain import notices
from backbeat.domain.contracts import counted, ended, filter_at, filter_segments
from backbeat.domain.periods import periods_left
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.contracts import Contract, UsageFilter
from backbeat.models.customers import Customer
from backbeat.models.edits import ContractEdit
from backbeat.models.overrides import Override
from backbeat.models.schedules import Frequency, StatementSchedule
from backbeat.models.usage import Tally, UsageCell


def day(month: int, number: int = 1) -> datetime:
    return datetime(2025, month, number, tzinfo=UTC)


def contract(**fields: object) -> Contract:
    return Contract.model_validate(
        {
            "id": "contract",
            "customer_id": "customer",
            "starting_at": day(1),
            "usage_statement_schedule": StatementSchedule(
                frequency=Frequency.MONTHLY, anchor=day(1)
            ),
            "created_at": day(1),
            **fields,
        }
    )


def override(start: datetime, end: datetime | None) -> Override:
    return Override(
        id=f"{start:%m}",
        sequence=1,
        created_at=day(1),
        starting_at=start,
        ending_before=end,
        entitled=True,
    )


def only(value: str, start: datetime) -> UsageFilter:
    return UsageFilter(group_key="project", group_values=(value,), starting_at=start)


def test_an_end_cuts_bounded_terms_and_drops_later_ones() -> None:
    before = contract(
        overrides=(
            override(day(1), None),
            override(day(2), day(9)),
            override(day(3), day(4)),
            override(day(6), day(9)),
        )
    )

    after = ended(before, day(6))

    assert [(o.starting_at, o.ending_before) for o in after.overrides] == [
        (day(1), None),
        (day(2), day(6)),
        (day(3), day(4)),
    ]
    # A later end lengthens nothing that was cut.
    assert ended(after, None).overrides == after.overrides


def test_a_filter_replaces_later_dated_ones_set_before_it() -> None:
    filtered = contract(
        usage_filters=(only("a", day(1)), only("b", day(6)), only("c", day(3))),
        ending_before=day(12),
    )

    assert [
        (s.filter.group_values, s.starting_at, s.ending_before) for s in filter_segments(filtered)
    ] == [(("a",), day(1), day(3)), (("c",), day(3), day(12))]
    assert filter_at(filtered, day(7)) == only("c", day(3))


def test_usage_before_the_first_filter_counts_whatever_it_is() -> None:
    metric = BillableMetric(
        id="metric",
        name="metric",
        aggregation_type=Aggregation.COUNT,
        group_keys=(("project",),),
        created_at=day(1),
    )
    filtered = contract(usage_filters=(only("a", day(2)),))
    cells = [
        UsageCell(hour, (value,), Tally(1, Decimal(0)))
        for hour in (day(1), day(2))
        for value in ("a", "b", None)
    ]

    assert counted(filtered, metric, cells) == [*cells[:3], cells[3]]


def test_what_is_left_of_a_reopened_contract_starts_where_it_had_ended() -> None:
    left = periods_left(contract(ending_before=day(4)), day(2, 10))

    assert [(p.starting_at, p.ending_before) for p in left] == [
        (day(2, 10), day(3)),
        (day(3), day(4)),
    ]


def test_webhook_of_an_edit() -> None:
    customer = Customer(
        id="customer",
        name="Acme",
        custom_fields={"tier": "gold"},
        created_at=day(1),
        updated_at=day(1),
    )
    edit = ContractEdit(
        id="edit", customer_id="customer", contract_id="contract", number=1, timestamp=day(2)
    )

    told = notices.contract_edited(contract(), customer, edit, environment_type="SANDBOX")

    body = json.loads(told.body)
    assert body.pop("id") == told.id
    assert body == {
        "type": "contract.edit",
        "timestamp": "2025-02-01T00:00:00Z",
        "environment_type": "SANDBOX",
        "contract_id": "contract",
        "contract_custom_fields": {},
        "customer_id": "customer",
        "customer_custom_fields": {"tier": "gold"},
    }
    archived = notices.contract_archived(
        contract(), customer, environment_type="SANDBOX", at=day(3)
    )
    assert json.loads(archived.body)["type"] == "contract.archive"
    assert archived.id != told.id
