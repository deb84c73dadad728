"""Scenarios of the simulator: usage, prices, what reduces the bill, and what is expected.

Amounts are decimals in whole units of their currency (dollars), as on a bill; unlike those of the
Metronome API, which are in cents.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.period import Period

_ZERO = Decimal(0)


class PriceModel(StrEnum):
    """How a quantity becomes an amount.

    GRADUATED prices the units of each band by the band's own price, VOLUME all units by the price
    of the band that the quantity reaches.
    """

    FLAT = "flat"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"


class Rounding(StrEnum):
    """What becomes of a package begun."""

    UP = "up"
    DOWN = "down"


class Band(Model):
    """Units up to and including `up_to`, None without end. `flat_price` is paid once if reached."""

    up_to: Decimal | None
    unit_price: Decimal
    flat_price: Decimal = _ZERO


class Price(Model):
    """What a metric costs. `bands` ascend, and the last one is without end.

    `minimum` and `maximum` bound the amount of a period; without `charge_when_zero` the minimum
    holds only where there was usage.
    """

    model: PriceModel
    currency: str = "USD"
    unit_price: Decimal = _ZERO
    bands: tuple[Band, ...] = ()
    package_size: Decimal = Decimal(1)
    package_rounding: Rounding = Rounding.UP
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    charge_when_zero: bool = True


class UsageItem(Model):
    """A quantity used in the period, and its price."""

    metric: str
    quantity: Decimal
    price: Price


class Fee(Model):
    """A fixed price that recurs, charged for the time in the period in which it runs.

    `amount` pays `days` days, None for the whole period. A change of plan is a fee that ends and
    another that begins.
    """

    name: str
    amount: Decimal
    starting_at: datetime
    ending_before: datetime
    days: Decimal | None = None
    currency: str = "USD"


class CommitmentKind(StrEnum):
    """DRAWDOWN was paid before and pays the bill; MINIMUM is promised: the rest is billed."""

    DRAWDOWN = "drawdown"
    MINIMUM = "minimum"


class WhatIfInterval(StrEnum):
    """What is priced at once: all the time that is asked about, or each calendar month of it."""

    WHOLE = "whole"
    MONTH = "month"


class Commitment(Model):
    """Money committed for `[starting_at, ending_before)`; `applied` was used before the period."""

    amount: Decimal
    starting_at: datetime
    ending_before: datetime
    applied: Decimal = _ZERO
    kind: CommitmentKind = CommitmentKind.DRAWDOWN
    currency: str = "USD"


class CreditGrant(Model):
    """Money given; it counts where it has not expired at the period's end."""

    amount: Decimal
    reason: str = ""
    expires_at: datetime | None = None
    currency: str = "USD"


class Inputs(Model):
    """What a bill is simulated from. `tax_rate` is in percent."""

    customer_id: str
    period: Period
    usage: tuple[UsageItem, ...]
    fees: tuple[Fee, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    credits: tuple[CreditGrant, ...] = ()
    tax_rate: Decimal = _ZERO
    tax_inclusive: bool = False


class ExpectedLine(Model):
    """What is expected of a metric's line; None is not looked at."""

    metric: str
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    subtotal: Decimal | None = None


class Expected(Model):
    """What is expected of the bill in `currency`; None is not looked at."""

    total: Decimal
    subtotal: Decimal | None = None
    tax: Decimal | None = None
    currency: str | None = None
    lines: tuple[ExpectedLine, ...] = ()


class Tolerances(Model):
    """How far amounts may be from what is expected: within either is near enough."""

    absolute: Decimal = Decimal("0.001")
    relative: Decimal = Decimal("0.0005")


class Scenario(Model):
    """A bill to simulate."""

    name: str
    description: str = ""
    version: str = "1"
    tags: tuple[str, ...] = ()
    inputs: Inputs
    expected: Expected | None = None
    tolerances: Tolerances = Tolerances()


class BillLine(Model):
    """The amount of a metric, or of a fee, whose units are days. `model` is None for a fee.

    `unit_price` is what a unit cost on average, to twelve places. `bound` is "minimum" or "maximum"
    where that set the amount.
    """

    metric: str
    quantity: Decimal
    unit_price: Decimal
    subtotal: Decimal
    model: PriceModel | None
    bound: str | None = None


class Reduction(Model):
    """A commitment or credit: what of it was applied, and what remains after the period."""

    name: str
    applied: Decimal
    remaining: Decimal


class Bill(Model):
    """A simulated invoice of one currency.

    `subtotal` are the lines, `true_up` what minimum commitments lack. `tax` is contained in the
    total; with inclusive tax it is contained in the amounts before, too.
    """

    currency: str
    lines: tuple[BillLine, ...]
    subtotal: Decimal
    true_up: Decimal
    commitments: tuple[Reduction, ...]
    credits: tuple[Reduction, ...]
    tax: Decimal
    total: Decimal


class Difference(Model):
    """Something that is not as expected. `metric` is set for lines; None stands for absent."""

    field: str
    metric: str | None
    expected: str | None
    actual: str | None


class Simulation(Model):
    """A scenario's outcome. `differences` is None where nothing was expected."""

    bills: tuple[Bill, ...]
    differences: tuple[Difference, ...] | None = None

    @property
    def is_as_expected(self) -> bool:
        """Tells whether nothing differs."""
        return not self.differences


class StoredScenario(Model):
    """A scenario that was kept. `is_active` False: it was deleted, and its runs are still there."""

    id: str
    scenario: Scenario
    created_at: datetime
    updated_at: datetime
    is_active: bool = True


class Run(Model):
    """A scenario as it was run. `scenario_id` is None where it was sent with the run."""

    id: str
    scenario_id: str | None
    scenario: Scenario
    name: str
    description: str
    metadata: dict[str, str]
    strict: bool
    created_at: datetime
    batch_id: str | None = None
    outcome: Simulation

    @property
    def status(self) -> str:
        """Says "passed" or "different", or "done" where nothing was expected."""
        if self.outcome.differences is None:
            return "done"
        return "different" if self.outcome.differences else "passed"


class Batch(Model):
    """Runs that were asked for together."""

    id: str
    name: str
    description: str
    run_ids: tuple[str, ...]
    created_at: datetime
