"""Requests to the simple facade. Amounts are in whole units: dollars, and credits."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.handlers import CadenceName, Email, EntityId, EntityName, TierName
from backbeat.api.schemas.types import Flag, HourTimestamp, Id, Limit, Price, Schema
from backbeat.models.tiers import Cadence

EntityType = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Metadata = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=500)]], Field(max_length=50)
]
Money = Annotated[Price, Field(max_digits=12, decimal_places=2)]


def _currency(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Currency = Annotated[Literal["USD"], BeforeValidator(_currency)]


class CreateFacadeCustomer(Schema):
    """An entity of the product as a customer."""

    entity_id: EntityId
    entity_type: EntityType
    email: Email
    name: EntityName
    metadata: Metadata = {}


class ChangeFacadeCustomer(Schema):
    """What is to be other than it was; the entity itself stays."""

    model_config = ConfigDict(extra="forbid")

    entity_type: EntityType | None = None
    email: Email | None = None
    name: EntityName | None = None
    metadata: Metadata | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name: give this, entity_type, email or metadata")
        return self

    def changes(self) -> dict[str, object]:
        """Returns what changes beside the name."""
        return self.model_dump(exclude={"name"}, exclude_none=True)


class FacadePage(Schema):
    """A page of a list."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class OfCustomer(FacadePage):
    """A page of what one customer has, or all have."""

    customer_id: Id | None = None


class BalanceOf(Schema):
    """Whose balance is wanted."""

    customer_id: Id


class CreateFacadeContract(Schema):
    """A tier for a customer. `another` allows one beside an active one."""

    customer_id: Id
    tier: TierName
    billing_period: CadenceName = Cadence.MONTHLY
    rate_card_id: Id | None = None
    another: Flag = False


class ChangeFacadeContract(Schema):
    """A cancellation, or another end: null lets it go on."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["cancelled"] | None = None
    end_date: HourTimestamp | None = None

    @model_validator(mode="before")
    @classmethod
    def _fixed(cls, given: object) -> object:
        for name in ("tier", "billing_period"):
            if isinstance(given, dict) and name in given:
                raise ValueError(f"{name}: is changed by POST /api/tier/change, which prorates it")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("give status or end_date")
        return self


class CancelFacadeContract(Schema):
    """When a contract is to end: at once, unless it is with its period."""

    at_period_end: Flag = False


class FacadeLine(Schema):
    """A line of an invoice, in dollars."""

    description: Annotated[str, StringConstraints(min_length=1, max_length=250)]
    amount: Money


class CreateFacadeInvoice(Schema):
    """An invoice of one amount, or of lines that add up to it, in dollars."""

    customer_id: Id
    contract_id: Id
    amount: Money
    currency: Currency = "USD"
    line_items: Annotated[list[FacadeLine], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum((line.amount for line in self.line_items), Decimal(0))
        if self.line_items and total != self.amount:
            raise ValueError(f"amount: the lines add up to {total}")
        return self

    def lines(self) -> list[FacadeLine]:
        """Returns the lines, one of the whole amount where none were given."""
        return self.line_items or [FacadeLine(description="Charge", amount=self.amount)]


class CreateFacadeCredit(Schema):
    """Credits for a customer, until they expire if they do."""

    customer_id: Id
    amount: Annotated[Price, Field(gt=0, max_digits=15, decimal_places=4)]
    currency: Currency = "USD"
    expires_at: HourTimestamp | None = None
