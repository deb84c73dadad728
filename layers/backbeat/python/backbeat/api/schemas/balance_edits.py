"""Requests that change commits and credits."""

from dataclasses import replace
from typing import Annotated, Final, Self

from pydantic import model_validator

from backbeat.api.schemas.balances import (
    CommitSchema,
    HierarchyAccessSchema,
    SegmentSchema,
    SpecifierSchema,
)
from backbeat.api.schemas.charges import (
    EditScheduleSchema,
    IdSchema,
    InvoiceScheduleEditSchema,
    ItemEditSchema,
    ScheduleItemSchema,
)
from backbeat.api.schemas.threshold_billing import PaymentGateSchema
from backbeat.api.schemas.types import HourTimestamp, Id, Name, Number, Schema, Upper
from backbeat.application.balances import NewBalance
from backbeat.models.balance_edits import (
    BalanceRemoval,
    BalanceUpdate,
    PaymentAddition,
    PaymentUpdate,
    SegmentAddition,
    SegmentUpdate,
)
from backbeat.models.balances import RateChoice


class AddedCommitSchema(CommitSchema):
    """A commit that an edit adds to a contract."""

    invoice_schedule: EditScheduleSchema | None = None
    payment_gate_config: PaymentGateSchema | None = None

    def to_balance(self) -> NewBalance:
        """Returns the commit asked for, and what it is to be paid through first."""
        gate = self.payment_gate_config
        return replace(super().to_balance(), gate=None if gate is None else gate.to_gate())


class SegmentEditSchema(Schema):
    """New values of an access segment."""

    id: Id
    amount: Number | None = None
    starting_at: HourTimestamp | None = None
    ending_before: HourTimestamp | None = None


class AccessEditSchema(Schema):
    """Changes of when which amounts may be drawn."""

    add_schedule_items: list[SegmentSchema] = []
    update_schedule_items: list[SegmentEditSchema] = []
    remove_schedule_items: list[IdSchema] = []


class CreditEditSchema(Schema):
    """Changes of a credit. A priority or rollover fraction of null takes the value away."""

    name: Name | None = None
    description: str | None = None
    product_id: Id | None = None
    priority: Number | None = None
    rate_type: Annotated[RateChoice, Upper] | None = None
    rollover_fraction: Number | None = None
    netsuite_sales_order_id: str | None = None
    applicable_product_ids: list[Id] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSchema] | None = None
    hierarchy_configuration: HierarchyAccessSchema | None = None
    access_schedule: AccessEditSchema = AccessEditSchema()

    def update_of(self, balance_id: str, *, is_commit: bool) -> BalanceUpdate:
        """Returns the change asked for."""
        access = self.access_schedule
        nullable = {name for name in _NULLABLE if name in self.model_fields_set}
        named = {name for name in _FIELDS if getattr(self, name) is not None} | nullable
        lists = {name for name in _LISTS if name in self.model_fields_set}
        access_below = self.hierarchy_configuration
        shared = set() if access_below is None else {"sharing"}
        return BalanceUpdate(
            balance_id=balance_id,
            is_commit=is_commit,
            given=tuple(sorted(named | lists | shared)),
            name=self.name,
            description=self.description,
            product_id=self.product_id,
            priority=self.priority,
            rate_type=self.rate_type,
            rollover_fraction=self.rollover_fraction,
            netsuite_sales_order_id=self.netsuite_sales_order_id,
            applicable_product_ids=tuple(self.applicable_product_ids or ()),
            applicable_product_tags=tuple(self.applicable_product_tags or ()),
            specifiers=tuple(one.to_specifier() for one in self.specifiers or ()),
            sharing=None if access_below is None else access_below.to_sharing(),
            add_segments=tuple(
                SegmentAddition(
                    amount=one.amount, starting_at=one.starting_at, ending_before=one.ending_before
                )
                for one in access.add_schedule_items
            ),
            update_segments=tuple(
                SegmentUpdate(
                    id=one.id,
                    amount=one.amount,
                    starting_at=one.starting_at,
                    ending_before=one.ending_before,
                )
                for one in access.update_schedule_items
            ),
            remove_segments=tuple(one.id for one in access.remove_schedule_items),
        )


class CommitEditSchema(CreditEditSchema):
    """Changes of a commit."""

    invoice_contract_id: Id | None = None
    invoice_schedule: InvoiceScheduleEditSchema = InvoiceScheduleEditSchema()

    def update_of(self, balance_id: str, *, is_commit: bool) -> BalanceUpdate:
        """Returns the change asked for."""
        update = super().update_of(balance_id, is_commit=is_commit)
        schedule = self.invoice_schedule
        payer = () if self.invoice_contract_id is None else ("invoice_contract_id",)
        return update.model_copy(
            update={
                "given": (*update.given, *payer),
                "invoice_contract_id": self.invoice_contract_id,
                "add_payments": tuple(_added(one) for one in schedule.add_schedule_items),
                "update_payments": tuple(_updated(one) for one in schedule.update_schedule_items),
                "remove_payments": tuple(one.id for one in schedule.remove_schedule_items),
            }
        )


class UpdatedCommitSchema(CommitEditSchema):
    """A commit that an edit of its contract changes."""

    commit_id: Id

    def to_update(self) -> BalanceUpdate:
        """Returns the change asked for."""
        return self.update_of(self.commit_id, is_commit=True)


class UpdatedCreditSchema(CreditEditSchema):
    """A credit that an edit of its contract changes."""

    credit_id: Id

    def to_update(self) -> BalanceUpdate:
        """Returns the change asked for."""
        return self.update_of(self.credit_id, is_commit=False)


class EditCommit(UpdatedCommitSchema):
    """Changes of one commit."""

    customer_id: Id


class EditCredit(UpdatedCreditSchema):
    """Changes of one credit."""

    customer_id: Id


class ArchiveCommit(Schema):
    """Archives a commit."""

    customer_id: Id
    commit_id: Id

    def to_removal(self) -> BalanceRemoval:
        """Returns what is to be archived."""
        return BalanceRemoval(balance_id=self.commit_id, is_commit=True)


class ArchiveCredit(Schema):
    """Archives a credit."""

    customer_id: Id
    credit_id: Id

    def to_removal(self) -> BalanceRemoval:
        """Returns what is to be archived."""
        return BalanceRemoval(balance_id=self.credit_id, is_commit=False)


class UpdateCommitEndDate(Schema):
    """An earlier end of a customer's commit."""

    customer_id: Id
    commit_id: Id
    access_ending_before: HourTimestamp | None = None
    invoices_ending_before: HourTimestamp | None = None

    @model_validator(mode="after")
    def _some_end(self) -> Self:
        if self.access_ending_before is None and self.invoices_ending_before is None:
            raise ValueError("access_ending_before: give it, invoices_ending_before, or both")
        return self


class UpdateCreditEndDate(Schema):
    """An earlier end of a customer's credit."""

    customer_id: Id
    credit_id: Id
    access_ending_before: HourTimestamp


class DisableTrueup(Schema):
    """A postpaid commit of whose shortfall nothing is to be billed."""

    customer_id: Id
    contract_id: Id
    commit_id: Id


class BalanceEditsSchema(Schema):
    """What an edit of a contract does to its commits and credits."""

    update_commits: list[UpdatedCommitSchema] = []
    update_credits: list[UpdatedCreditSchema] = []
    archive_commits: list[IdSchema] = []
    archive_credits: list[IdSchema] = []

    def to_updates(self) -> list[BalanceUpdate]:
        """Returns the changes asked for."""
        return [
            *(one.to_update() for one in self.update_commits),
            *(one.to_update() for one in self.update_credits),
        ]

    def to_removals(self) -> list[BalanceRemoval]:
        """Returns what is to be archived."""
        return [
            *(BalanceRemoval(balance_id=one.id, is_commit=True) for one in self.archive_commits),
            *(BalanceRemoval(balance_id=one.id, is_commit=False) for one in self.archive_credits),
        ]


_FIELDS: Final = ("name", "description", "product_id", "rate_type", "netsuite_sales_order_id")
_NULLABLE: Final = ("priority", "rollover_fraction")
_LISTS: Final = ("applicable_product_ids", "applicable_product_tags", "specifiers")


def _added(item: ScheduleItemSchema) -> PaymentAddition:
    return PaymentAddition(timestamp=item.timestamp, amount=item.to_amount())


def _updated(item: ItemEditSchema) -> PaymentUpdate:
    edit = item.to_edit()
    return PaymentUpdate(id=edit.id, timestamp=edit.timestamp, amount=edit.amount)
