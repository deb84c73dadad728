"""What a contract bills on dates of its own: charges, discounts, professional services, royalties.

Amounts are in the unit of the credit type beside them (USD: cents).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType, multiply
from backbeat.models.schedules import Frequency


class AmountDistribution(StrEnum):
    """How a recurring amount is spread over its dates."""

    EACH = "EACH"
    DIVIDED = "DIVIDED"
    DIVIDED_ROUNDED = "DIVIDED_ROUNDED"


class Amount(Model):
    """What is billed on a date: a quantity at a unit price."""

    unit_price: Decimal
    quantity: Decimal = Decimal(1)

    @property
    def total(self) -> Decimal:
        """The amount itself."""
        return multiply(self.quantity, self.unit_price)


class RecurringSchedule(Model):
    """An amount on every date of `[starting_at, ending_before)`, a frequency apart."""

    starting_at: datetime
    ending_before: datetime
    frequency: Frequency
    distribution: AmountDistribution
    amount: Amount


class ScheduleItem(Model):
    """One dated amount.

    It shares its invoice with everything the contract bills at that time in that unit. One added
    after that invoice was final lies on an invoice of its own, which `apart` names.
    """

    id: str
    timestamp: datetime
    amount: Amount
    apart: str | None = None


class PointSchedule(Model):
    """Dated amounts in one unit, by date."""

    credit_type: CreditType
    items: tuple[ScheduleItem, ...]
    do_not_invoice: bool = False


class ScheduledCharge(Model):
    """Something billed on given dates. `name`, else the product's, is what invoices print.

    With `commit_id` it is what that commit is paid with. A true-up is dated like any charge, but
    bills what is missing of the commit by then.
    """

    id: str
    commit_id: str | None = None
    is_trueup: bool = False
    product_id: str
    name: str | None = None
    schedule: PointSchedule
    netsuite_sales_order_id: str | None = None
    custom_fields: dict[str, str] = {}
    archived_at: datetime | None = None


class Discount(Model):
    """An amount taken off on given dates; its amounts are positive."""

    id: str
    product_id: str
    name: str | None = None
    schedule: PointSchedule
    netsuite_sales_order_id: str | None = None
    custom_fields: dict[str, str] = {}


class ProService(Model):
    """A professional service that may be billed, on request, up to `max_amount` altogether."""

    id: str
    product_id: str
    description: str | None = None
    unit_price: Decimal
    quantity: Decimal
    max_amount: Decimal
    netsuite_sales_order_id: str | None = None
    custom_fields: dict[str, str] = {}


class ProServiceLine(Model):
    """A part of a professional service that was asked to be billed."""

    professional_service_id: str
    amount: Amount
    metadata: str | None = None


class ProServiceInvoice(Model):
    """An invoice for professional services, asked for and issued at `issued_at`."""

    id: str
    issued_at: datetime
    lines: tuple[ProServiceLine, ...]


class ResellerType(StrEnum):
    """Through whom a contract is sold."""

    AWS = "AWS"
    AWS_PRO_SERVICE = "AWS_PRO_SERVICE"
    GCP = "GCP"
    GCP_PRO_SERVICE = "GCP_PRO_SERVICE"


class ResellerRoyalty(Model):
    """The fraction of matching invoices that a reseller keeps on `[starting_at, ending_before)`.

    A line matches by its product's id or by any of its tags.
    """

    reseller_type: ResellerType
    fraction: Decimal
    netsuite_reseller_id: str
    starting_at: datetime
    ending_before: datetime | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    reseller_contract_value: Decimal | None = None
    aws_account_number: str | None = None
    aws_payer_reference_id: str | None = None
    aws_offer_id: str | None = None
    gcp_account_id: str | None = None
    gcp_offer_id: str | None = None

    def in_force(self, instant: datetime) -> bool:
        """Tells whether the instant lies between start and end."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )


class ScheduleItemUpdate(Model):
    """New values of one dated amount. `apart` is set when it moves behind a final invoice."""

    id: str
    timestamp: datetime
    amount: Amount
    apart: str | None = None


class ScheduledChargeUpdate(Model):
    """A change of a scheduled charge. Items that are not named stay as they are."""

    scheduled_charge_id: str
    netsuite_sales_order_id: str | None = None
    removes_netsuite_sales_order_id: bool = False
    add_items: tuple[ScheduleItem, ...] = ()
    update_items: tuple[ScheduleItemUpdate, ...] = ()
    remove_items: tuple[str, ...] = ()


class ResellerRoyaltyChange(Model):
    """A new or changed royalty: `royalty` is the segment as it is from now on.

    A new segment ends the one before it; a changed one takes its place.
    """

    royalty: ResellerRoyalty
    is_new: bool


class ChargeChanges(Model):
    """What one change does to a contract's charges, ids and invoices resolved."""

    add_scheduled_charges: tuple[ScheduledCharge, ...] = ()
    update_scheduled_charges: tuple[ScheduledChargeUpdate, ...] = ()
    archive_scheduled_charges: tuple[str, ...] = ()
    add_discounts: tuple[Discount, ...] = ()
    add_professional_services: tuple[ProService, ...] = ()
    add_reseller_royalties: tuple[ResellerRoyaltyChange, ...] = ()
