"""Requests to a sandbox's controls: faults, snapshots, the log of requests, state."""

from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from backbeat.api.schemas.types import Id, Name, Number, Schema, Timestamp, Whole
from backbeat.application.manual_money import ManualLine
from backbeat.models.faults import Fault, FaultKind, When
from backbeat.models.money import USD
from backbeat.models.rate_limits import RateLimit

_LONGEST_MILLISECONDS: Final = 25_000
"""An HTTP API in AWS gives up after 30 seconds."""

_METHODS = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
_Pattern = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_DeclineCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]
_SnapshotName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


CustomerKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class _Control(Schema):
    """Controls are ours: what they do not know is a mistake."""

    model_config = ConfigDict(extra="forbid")


class FaultSchema(_Control):
    """What is to go wrong, for whom and how often."""

    kind: FaultKind
    method: _METHODS | None = None
    path: _Pattern | None = None
    customer: _Pattern | None = None
    event: _Pattern | None = None
    count: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = None
    probability: Annotated[Number, Field(gt=0, le=1)] = Decimal(1)
    seed: Whole = 0
    when: When = When.BEFORE
    status: Literal[429, 500, 503] | None = None
    retry_after_seconds: Annotated[Number, Field(ge=0, le=60)] | None = None
    milliseconds: Annotated[Whole, Field(ge=1, le=_LONGEST_MILLISECONDS)] | None = None
    decline_code: _DeclineCode | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._only_for("status", FaultKind.STATUS, required=True)
        self._only_for("retry_after_seconds", FaultKind.STATUS, required=False)
        self._only_for("milliseconds", FaultKind.LATENCY, required=True)
        self._only_for("decline_code", FaultKind.PAYMENT_DECLINE, required=False)
        of_calls = not (self.kind.is_of_webhooks or self.kind.is_of_payments)
        for name, is_meant in (
            ("event", self.kind.is_of_webhooks),
            ("method", of_calls),
            ("path", of_calls),
        ):
            if not is_meant and getattr(self, name) is not None:
                raise ValueError(f"{name}: means nothing for {self.kind.value}")
        if self.when is When.AFTER and self.kind not in (FaultKind.STATUS, FaultKind.DROP):
            raise ValueError(f"when: means nothing for {self.kind.value}")
        return self

    def _only_for(self, name: str, kind: FaultKind, *, required: bool) -> None:
        given = getattr(self, name) is not None
        if given and self.kind is not kind:
            raise ValueError(f"{name}: means nothing for {self.kind.value}")
        if required and not given and self.kind is kind:
            raise ValueError(f"{name}: required for {kind.value}")

    def to_fault(self, id_: str) -> Fault:
        """Returns the fault asked for."""
        return Fault(id=id_, **self.model_dump(exclude_none=True))


class AddFaults(_Control):
    """Further faults."""

    faults: Annotated[list[FaultSchema], Field(min_length=1)]


class SaveSnapshot(_Control):
    """The name to save under."""

    name: _SnapshotName = "default"


class RestoreSnapshot(SaveSnapshot):
    """The name of what is to come back."""


class FindRequests(Schema):
    """Which of the last calls to tell of, and how many of them in full."""

    method: str | None = None
    path: str | None = None
    operation: str | None = None
    status: Annotated[int, Field(ge=100, le=599)] | None = None
    contains: str | None = None
    latest: Annotated[int, Field(ge=0, le=500)] = 100


class FindState(Schema):
    """One kind of thing, or all."""

    entity: str | None = None


class SetRateLimit(_Control):
    """How many calls may be made in each so many seconds."""

    requests: Annotated[Whole, Field(ge=1, le=1_000_000)]
    seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 60

    def to_limit(self) -> RateLimit:
        """Returns the limit asked for."""
        return RateLimit(requests=self.requests, seconds=self.seconds)


class _ManualLine(_Control):
    """A line: an amount, or a quantity at a price. Cents in USD."""

    name: Name
    amount: Number | None = None
    quantity: Number | None = None
    unit_price: Number | None = None
    product_id: Id | None = None

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        given = (self.quantity is not None, self.unit_price is not None)
        if given not in ((True, True), (False, False)) or all(given) is (self.amount is not None):
            raise ValueError("amount: either it or quantity and unit_price are required")
        return self

    def to_line(self) -> ManualLine:
        """Returns the line asked for."""
        if self.quantity is None or self.unit_price is None:
            return ManualLine(self.name, Decimal(1), self.amount or Decimal(0), self.product_id)
        return ManualLine(self.name, self.quantity, self.unit_price, self.product_id)


class CreateManualInvoice(_Control):
    """A final invoice with the lines that are given. The customer may be named by an alias."""

    customer_id: CustomerKey
    contract_id: Id | None = None
    line_items: Annotated[list[_ManualLine], Field(min_length=1, max_length=1000)]
    credit_type_id: Id = USD.id
    issued_at: Timestamp | None = None


class SetBalance(_Control):
    """What a customer, named by id or alias, is to have left under a product."""

    customer_id: CustomerKey
    product_id: Id | None = None
    balance: Annotated[Number, Field(ge=0)]
    credit_type_id: Id = USD.id


class OfCustomer(Schema):
    """Whose: an id or alias."""

    customer_id: CustomerKey
