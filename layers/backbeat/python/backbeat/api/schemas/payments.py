"""Requests about payments, and about what becomes of a sandbox's."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from backbeat.api.schemas.types import Id, Name, Number, Schema, Upper, Whole
from backbeat.models.payments import PaymentStatus, ScriptedOutcome, TaxRule

_PER_PAGE = 25
_AT_ONCE = 1000


_Outcome = Annotated[ScriptedOutcome, Upper]


class PaymentOfInvoice(Schema):
    """An invoice of a customer."""

    customer_id: Id
    invoice_id: Id


class ListPayments(PaymentOfInvoice):
    """Which payments of an invoice to list."""

    statuses: Annotated[list[PaymentStatus], Field(min_length=1)] | None = None
    limit: Annotated[Whole, Field(ge=1, le=_PER_PAGE)] = _PER_PAGE
    next_page: str | None = None


class TaxSchema(Schema):
    """A tax on every charge: the part `rate` of it."""

    model_config = ConfigDict(extra="forbid")

    name: Name = "Tax"
    rate: Annotated[Number, Field(ge=0, le=Decimal(10))]

    def to_rule(self) -> TaxRule:
        """Returns the stored form."""
        return TaxRule(name=self.name, rate=self.rate)


class ScriptPayments(Schema):
    """What becomes of the next payments, of a customer or of everybody, and of those that wait.

    `settle` decides the payments that are open, or the one of an intent.
    """

    model_config = ConfigDict(extra="forbid")

    customer_id: Id | None = None
    outcomes: Annotated[list[_Outcome], Field(max_length=_AT_ONCE)] = []
    tax: TaxSchema | None = None
    settle: Annotated[Literal["PAID", "FAILED"], Upper] | None = None
    payment_intent_id: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.outcomes and self.tax is None and self.settle is None:
            raise ValueError("outcomes: give some, a tax, or settle")
        if self.payment_intent_id is not None and self.settle is None:
            raise ValueError("payment_intent_id: goes together with settle")
        return self
