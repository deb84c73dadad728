"""Scenarios as they are written in requests and files.

Names are in camel case; snake case is understood, too. Unknown fields are refused: a misspelt one
would otherwise silently make another bill.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

from backbeat.api.requests import parse
from backbeat.api.schemas.types import LONGEST_TEXT, parse_timestamp
from backbeat.models.errors import InvalidArgument
from backbeat.models.numbers import is_measurable
from backbeat.models.period import Period
from backbeat.models.simulations import (
    Band,
    Commitment,
    CommitmentKind,
    CreditGrant,
    Expected,
    ExpectedLine,
    Fee,
    Inputs,
    Price,
    PriceModel,
    Rounding,
    Scenario,
    Tolerances,
    UsageItem,
    WhatIfInterval,
)

MOST_ITEMS: Final = 1000
_DATE_LENGTH: Final = len("2025-01-31")
_SYNONYMS: Final = {"tiered": PriceModel.GRADUATED}
"""Decision X-25: "tiered" prices the units of each band by itself, which Stripe calls graduated."""


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value
    if isinstance(value, str) and len(value) == _DATE_LENGTH:
        value = f"{value}T00:00:00Z"
    return parse_timestamp(value)


def _decimal(value: object) -> Decimal:
    # Floats never come: numbers with a fraction are read as decimals.
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("must be a number")
    try:
        number = Decimal(value)
    except ArithmeticError as error:
        raise ValueError("must be a number") from error
    digits = len(number.as_tuple().digits)
    if not is_measurable(number) or abs(number.adjusted()) > 30 or digits > 40:
        raise ValueError("must be a number of at most 40 digits")
    return number


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _bound(value: object) -> object:
    return None if value in ("inf", "infinity", None) else value


def _model(value: object) -> object:
    return _SYNONYMS.get(value, value) if isinstance(value, str) else value


def _currency(value: str) -> str:
    if len(value) != 3 or not value.isascii() or not value.isalpha():
        raise ValueError("must be a currency of three letters, such as USD")
    return value.upper()


Instant = Annotated[datetime, BeforeValidator(_instant)]
Amount = Annotated[Decimal, BeforeValidator(_decimal)]
Number = Annotated[Amount, AfterValidator(_not_negative)]
Currency = Annotated[str, AfterValidator(_currency)]


class Document(BaseModel):
    """A part of a scenario's document."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        str_max_length=LONGEST_TEXT,
    )


class BandBody(Document):
    up_to: Annotated[Number | None, BeforeValidator(_bound)] = None
    unit_price: Number = Decimal(0)
    flat_price: Number = Decimal(0)


class PriceBody(Document):
    """A price. Flat prices need `unitPrice`, packages `packageSize` too, others `tiers`."""

    model: Annotated[PriceModel, BeforeValidator(_model)]
    currency: Currency = "USD"
    unit_price: Number | None = None
    tiers: tuple[BandBody, ...] = Field((), max_length=MOST_ITEMS)
    package_size: Number | None = None
    package_rounding: Rounding = Rounding.UP
    minimum: Number | None = Field(
        None, validation_alias=AliasChoices("minimumCharge", "minimum_charge", "minimum")
    )
    maximum: Number | None = Field(
        None, validation_alias=AliasChoices("maximumCharge", "maximum_charge", "maximum")
    )
    charge_when_zero: bool = True

    @model_validator(mode="after")
    def _has_what_its_model_needs(self) -> "PriceBody":
        if self.model in (PriceModel.FLAT, PriceModel.PACKAGE) and self.unit_price is None:
            raise ValueError(f"unitPrice: a {self.model} price needs one")
        if self.model is PriceModel.PACKAGE and self.package_size is None:
            raise ValueError("packageSize: a package price needs one")
        return self

    def to_price(self) -> Price:
        return Price(
            model=self.model,
            currency=self.currency,
            unit_price=self.unit_price or Decimal(0),
            bands=tuple(Band(**band.model_dump()) for band in self.tiers),
            package_size=Decimal(1) if self.package_size is None else self.package_size,
            package_rounding=self.package_rounding,
            minimum=self.minimum,
            maximum=self.maximum,
            charge_when_zero=self.charge_when_zero,
        )


class _UsageBody(Document):
    metric: str = Field(min_length=1)
    quantity: Number
    price: PriceBody = Field(
        validation_alias=AliasChoices("priceConfig", "price_config", "price"),
    )


class _FeeBody(Document):
    """A fee of `amount` for each `perDays` days, or for the period; it runs through all of it."""

    name: str = Field(min_length=1)
    amount: Number
    starting_at: Instant | None = Field(
        None, validation_alias=AliasChoices("startDate", "start_date", "startingAt", "starting_at")
    )
    ending_before: Instant | None = Field(
        None, validation_alias=AliasChoices("endDate", "end_date", "endingBefore", "ending_before")
    )
    per_days: Annotated[Number, Field(gt=0)] | None = None
    currency: Currency | None = None

    def to_fee(self, period: Period, currency: str) -> Fee:
        """Returns the fee with what it leaves to the bill."""
        return Fee(
            name=self.name,
            amount=self.amount,
            starting_at=self.starting_at or period.starting_at,
            ending_before=self.ending_before or period.ending_before,
            days=self.per_days,
            currency=self.currency or currency,
        )


class _CommitmentBody(Document):
    amount: Number
    starting_at: Instant = Field(
        validation_alias=AliasChoices("startDate", "start_date", "startingAt", "starting_at")
    )
    ending_before: Instant = Field(
        validation_alias=AliasChoices("endDate", "end_date", "endingBefore", "ending_before")
    )
    applied: Number = Decimal(0)
    kind: CommitmentKind = CommitmentKind.DRAWDOWN
    currency: Currency | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "_CommitmentBody":
        if self.starting_at >= self.ending_before:
            raise ValueError("endDate: must be after startDate")
        if self.applied > self.amount:
            raise ValueError("applied: is more than the amount")
        return self


class _CreditBody(Document):
    amount: Number
    reason: str = ""
    expires_at: Instant | None = None
    currency: Currency | None = None


class _InputsBody(Document):
    customer_id: str = Field("customer", min_length=1)
    period_start: Instant
    period_end: Instant
    usage_items: tuple[_UsageBody, ...] = Field((), max_length=MOST_ITEMS)
    fees: tuple[_FeeBody, ...] = Field((), max_length=MOST_ITEMS)
    commitments: tuple[_CommitmentBody, ...] = Field((), max_length=MOST_ITEMS)
    credits: tuple[_CreditBody, ...] = Field((), max_length=MOST_ITEMS)
    tax_rate: Number = Decimal(0)
    tax_inclusive: bool = False

    @model_validator(mode="after")
    def _is_a_period(self) -> "_InputsBody":
        if self.period_start >= self.period_end:
            raise ValueError("periodEnd: must be after periodStart")
        if not self.usage_items and not self.fees:
            raise ValueError("usageItems: give at least one, or fees")
        for number, fee in enumerate(self.fees):
            start, end = fee.starting_at or self.period_start, fee.ending_before or self.period_end
            if start >= end:
                raise ValueError(f"fees.{number}.endDate: must be after startDate")
        return self

    def to_inputs(self) -> Inputs:
        usage = tuple(
            UsageItem(metric=item.metric, quantity=item.quantity, price=item.price.to_price())
            for item in self.usage_items
        )
        # What names no currency is in that of the first metric.
        currency = usage[0].price.currency if usage else self.fees[0].currency or "USD"
        period, own = Period(self.period_start, self.period_end), {"currency": currency}
        return Inputs(
            customer_id=self.customer_id,
            period=period,
            usage=usage,
            fees=tuple(body.to_fee(period, currency) for body in self.fees),
            commitments=tuple(
                Commitment(**own | body.model_dump(exclude_none=True)) for body in self.commitments
            ),
            credits=tuple(
                CreditGrant(**own | body.model_dump(exclude_none=True)) for body in self.credits
            ),
            tax_rate=self.tax_rate,
            tax_inclusive=self.tax_inclusive,
        )


class _ExpectedLineBody(Document):
    metric: str
    quantity: Number | None = None
    unit_price: Number | None = None
    subtotal: Number | None = None


class _ExpectedBody(Document):
    total: Number
    subtotal: Number | None = None
    tax: Number | None = None
    currency: Currency | None = None
    line_items: tuple[_ExpectedLineBody, ...] = Field((), max_length=MOST_ITEMS)

    def to_expected(self) -> Expected:
        lines = tuple(ExpectedLine(**line.model_dump()) for line in self.line_items)
        return Expected(**self.model_dump(exclude={"line_items"}), lines=lines)


class _TolerancesBody(Document):
    absolute: Number = Tolerances().absolute
    relative: Annotated[Number, Field(le=1)] = Tolerances().relative


class MetadataBody(Document):
    """What a scenario is called."""

    name: str = Field(min_length=1)
    description: str = ""
    version: str = "1"
    tags: tuple[str, ...] = Field((), max_length=MOST_ITEMS)


class ScenarioBody(Document):
    """A scenario, its name beside the inputs or in `metadata`.

    A `model` given for the whole scenario is the price of the items that have none of their own.
    """

    metadata: MetadataBody
    model: PriceBody | None = None
    inputs: _InputsBody
    expected: _ExpectedBody | None = None
    tolerances: _TolerancesBody = _TolerancesBody()

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        found = dict(value)
        if "metadata" not in found:
            named = {name: found.pop(name) for name in MetadataBody.model_fields if name in found}
            found["metadata"] = named
        price, inputs = found.get("model"), found.get("inputs")
        if isinstance(price, Mapping) and isinstance(inputs, Mapping):
            found["inputs"] = {**inputs, **_priced(inputs, price)}
        elif isinstance(price, str):
            # The kind of all prices, said again: each item has its own.
            del found["model"]
        return found

    def to_scenario(self) -> Scenario:
        return Scenario(
            **self.metadata.model_dump(),
            inputs=self.inputs.to_inputs(),
            expected=None if self.expected is None else self.expected.to_expected(),
            tolerances=Tolerances(**self.tolerances.model_dump()),
        )


def _priced(inputs: Mapping[str, Any], price: object) -> dict[str, Any]:
    for name in ("usageItems", "usage_items"):
        if isinstance(inputs.get(name), list | tuple):
            return {name: [_with_price(item, price) for item in inputs[name]]}
    return {}


def _with_price(item: object, price: object) -> object:
    has_own = isinstance(item, Mapping) and {"priceConfig", "price_config", "price"} & item.keys()
    return item if has_own or not isinstance(item, Mapping) else {**item, "priceConfig": price}


def scenario_of(document: object) -> Scenario:
    """Returns the scenario that a decoded document is. Whether it can be priced, running tells.

    Raises:
        InvalidArgument: names each field that is wrong.
    """
    return parse(document, ScenarioBody).to_scenario()


class ListScenarios(Document):
    active: bool | None = None
    tag: str | None = None
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0)
    sort_by: Annotated[str, Field(pattern="^(createdAt|updatedAt|name)$")] = "createdAt"
    sort_order: Annotated[str, Field(pattern="^(asc|desc)$")] = "desc"


class StartRun(Document):
    """One scenario, by its id or whole."""

    scenario_id: str | None = None
    scenario: ScenarioBody | None = None
    name: str = ""
    description: str = ""
    metadata: dict[str, str] = Field(default={}, max_length=50)
    strict: bool = False

    @model_validator(mode="after")
    def _names_one(self) -> "StartRun":
        if (self.scenario_id is None) == (self.scenario is None):
            raise ValueError("scenarioId: give this or scenario")
        return self


class ListRuns(Document):
    scenario_id: str | None = None
    status: Annotated[str, Field(pattern="^(passed|different|done)$")] | None = None
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0)


class StartBatch(Document):
    name: str = Field(min_length=1)
    description: str = ""
    scenario_ids: tuple[str, ...] = Field(min_length=1, max_length=100)
    strict: bool = False


class _NamedPrice(Document):
    name: str = Field(min_length=1)
    price: PriceBody = Field(validation_alias=AliasChoices("priceConfig", "price_config", "price"))


class ComparePrices(Document):
    """Prices, the first of which is what the others are compared with, over quantities by name."""

    prices: tuple[_NamedPrice, ...] = Field(min_length=1, max_length=20)
    quantities: dict[str, Number] = Field(min_length=1, max_length=MOST_ITEMS)

    def to_prices(self) -> list[tuple[str, Price]]:
        return _distinct(self.prices)


class WhatIf(Document):
    """Prices over what customers really used of a metric in `[periodStart, periodEnd)`.

    With `interval` "month", each calendar month is priced by itself, as it is billed.
    """

    billable_metric_id: str
    customer_ids: tuple[str, ...] = Field((), max_length=100)
    period_start: Instant
    period_end: Instant
    interval: WhatIfInterval = WhatIfInterval.WHOLE
    prices: tuple[_NamedPrice, ...] = Field(min_length=1, max_length=20)

    def to_prices(self) -> list[tuple[str, Price]]:
        return _distinct(self.prices)


def _distinct(prices: tuple[_NamedPrice, ...]) -> list[tuple[str, Price]]:
    if len({one.name for one in prices}) < len(prices):
        raise InvalidArgument("prices: two have one name")
    return [(one.name, one.price.to_price()) for one in prices]
