"""Requests about thresholds that charge customers."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, ConfigDict, Field

from backbeat.api.schemas.balances import SpecifierSchema
from backbeat.api.schemas.relative_dates import DurationSchema
from backbeat.api.schemas.types import Flag, Id, Name, Number, Schema, Upper
from backbeat.application.recharge_terms import (
    NewPrepaid,
    NewTracker,
    PrepaidEdit,
    ThresholdEdit,
)
from backbeat.models.alerts import FieldFilter, FilterEntity
from backbeat.models.balances import RateChoice
from backbeat.models.threshold_billing import (
    DiscountCap,
    GateType,
    PaymentGate,
    PrepaidThreshold,
    SpendSource,
    SpendSpecifier,
    SpendThreshold,
    StripePayment,
    Tax,
    TaxType,
    ThresholdCommit,
)

Positive = Annotated[Number, Field(ge=0)]


class StripeConfigSchema(Schema):
    """What Stripe is asked to collect."""

    payment_type: Annotated[StripePayment, Upper] = StripePayment.INVOICE
    invoice_metadata: dict[str, str] = {}
    on_session_payment: Flag = False


class PrecalculatedTaxSchema(Schema):
    """A tax that is known beforehand."""

    tax_amount: Positive
    tax_name: Name | None = None


class PaymentGateSchema(Schema):
    """How a charge is collected."""

    payment_gate_type: Annotated[GateType, Upper]
    tax_type: Annotated[TaxType, Upper] = TaxType.NONE
    stripe_config: StripeConfigSchema | None = None
    precalculated_tax_config: PrecalculatedTaxSchema | None = None

    def to_gate(self) -> PaymentGate:
        """Returns the stored form."""
        stripe, tax = self.stripe_config, self.precalculated_tax_config
        return PaymentGate(
            type=self.payment_gate_type,
            tax_type=self.tax_type,
            stripe_payment=None if stripe is None else stripe.payment_type,
            invoice_metadata={} if stripe is None else stripe.invoice_metadata,
            on_session=stripe is not None and stripe.on_session_payment,
            tax=None if tax is None else Tax(amount=tax.tax_amount, name=tax.tax_name),
        )


class DiscountCapSchema(Schema):
    """What a spend tracker may have added up before discounts end."""

    spend_tracker_alias: Name
    amount: Positive

    def to_cap(self) -> DiscountCap:
        """Returns the stored form."""
        return DiscountCap(tracker_alias=self.spend_tracker_alias, amount=self.amount)


class DiscountSchema(Schema):
    """The part of a charge that is paid, and until when."""

    model_config = ConfigDict(populate_by_name=True)

    payment_fraction: Annotated[
        Number | None, Field(validation_alias=AliasChoices("payment_fraction", "fraction"))
    ] = None
    cap: DiscountCapSchema | None = None

    def to_fields(self) -> dict[str, Any]:
        """Returns what was given, by the names of a threshold's fields."""
        fields: dict[str, Any] = {}
        if "payment_fraction" in self.model_fields_set:
            fields["payment_fraction"] = self.payment_fraction
            if self.payment_fraction is None:
                fields["discount_cap"] = None
        if "cap" in self.model_fields_set:
            fields["discount_cap"] = None if self.cap is None else self.cap.to_cap()
        return fields


class SpendSpecifierSchema(Schema):
    """Purchases that a spend tracker adds up."""

    spend_type: Annotated[Literal["COMMIT_PURCHASE"], Upper] = "COMMIT_PURCHASE"
    sources: list[Annotated[SpendSource, Upper]] = []
    discounted: Flag | Annotated[Literal["ANY", "DISCOUNTED_ONLY", "UNDISCOUNTED_ONLY"], Upper] = (
        "ANY"
    )

    def to_specifier(self) -> SpendSpecifier:
        """Returns the stored form."""
        only = {"DISCOUNTED_ONLY": True, "UNDISCOUNTED_ONLY": False, "ANY": None}
        wanted = self.discounted
        return SpendSpecifier(
            sources=tuple(self.sources),
            discounted=wanted if isinstance(wanted, bool) else only[wanted],
        )


class SpendTrackerSchema(Schema):
    """Adds up purchases from each start of a billing period on."""

    alias: Name
    credit_type_id: Id | None = None
    reset_frequency: Annotated[Literal["BILLING_PERIOD"], Upper] = "BILLING_PERIOD"
    applicable_spend_specifiers: Annotated[list[SpendSpecifierSchema], Field(min_length=1)]

    def to_tracker(self) -> NewTracker:
        """Returns the tracker asked for."""
        return NewTracker(
            alias=self.alias,
            credit_type_id=self.credit_type_id,
            specifiers=tuple(one.to_specifier() for one in self.applicable_spend_specifiers),
        )


class SpendCommitSchema(Schema):
    """The commit that a charge buys."""

    product_id: Id
    name: Name | None = None
    description: str | None = None
    priority: Number | None = None
    duration: DurationSchema | None = None

    def to_commit(self) -> ThresholdCommit:
        """Returns the stored form."""
        return ThresholdCommit(product_id=self.product_id, **_commit_fields(self))


class PrepaidCommitSchema(SpendCommitSchema):
    """The same, for some usage only."""

    applicable_product_ids: list[Id] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSchema] | None = None
    rate_type: Annotated[RateChoice, Upper] = RateChoice.LIST_RATE
    rollover_fraction: Annotated[Number, Field(ge=0, le=1)] | None = None


class SpendThresholdSchema(Schema):
    """Charge spend when it reaches an amount."""

    is_enabled: Flag
    threshold_amount: Positive
    commit: SpendCommitSchema
    payment_gate_config: PaymentGateSchema
    discount_configuration: Annotated[
        DiscountSchema | None,
        # The guide's word for it.
        Field(validation_alias=AliasChoices("discount_configuration", "discount_config")),
    ] = None

    def to_spend(self) -> SpendThreshold:
        """Returns the threshold asked for."""
        return SpendThreshold(**self._fields())

    def _fields(self) -> dict[str, Any]:
        discount = self.discount_configuration
        return {
            "is_enabled": self.is_enabled,
            "threshold_amount": self.threshold_amount,
            "commit": self.commit.to_commit(),
            "gate": self.payment_gate_config.to_gate(),
            **({} if discount is None else discount.to_fields()),
        }


class ExcludedFieldSchema(Schema):
    """A custom field and the value it must have."""

    entity: FilterEntity
    key: Name
    value: str


class ExcludedBalancesSchema(Schema):
    """Balances whose custom fields are all of these."""

    custom_field_filters: Annotated[list[ExcludedFieldSchema], Field(min_length=1)]


class BalanceSpecifierSchema(Schema):
    """Balances that are no part of what is watched."""

    exclude: list[ExcludedBalancesSchema] = []


def _excluded(
    specifiers: list[BalanceSpecifierSchema] | None,
) -> tuple[tuple[FieldFilter, ...], ...]:
    return tuple(
        tuple(FieldFilter(**dict(one)) for one in balances.custom_field_filters)
        for specifier in specifiers or ()
        for balances in specifier.exclude
    )


class PrepaidThresholdSchema(SpendThresholdSchema):
    """Recharge a balance when it falls to an amount."""

    recharge_to_amount: Positive
    custom_credit_type_id: Id | None = None
    commit: PrepaidCommitSchema
    threshold_balance_specifiers: list[BalanceSpecifierSchema] | None = None

    def to_prepaid(self) -> NewPrepaid:
        """Returns the threshold asked for."""
        threshold = PrepaidThreshold(
            **self._fields(),
            recharge_to_amount=self.recharge_to_amount,
            excluded=_excluded(self.threshold_balance_specifiers),
        )
        return NewPrepaid(threshold, self.custom_credit_type_id)


class CommitUpdateSchema(Schema):
    """New terms of the commit that a charge buys."""

    product_id: Id | None = None
    name: Name | None = None
    description: str | None = None
    priority: Number | None = None
    applicable_product_ids: list[Id] | None = None
    applicable_product_tags: list[str] | None = None
    specifiers: list[SpecifierSchema] | None = None
    duration: DurationSchema | None = None


class SpendUpdateSchema(Schema):
    """A change of a threshold; what is not given stays."""

    is_enabled: Flag | None = None
    threshold_amount: Positive | None = None
    commit: CommitUpdateSchema | None = None
    payment_gate_config: PaymentGateSchema | None = None
    discount_configuration: Annotated[
        DiscountSchema | None,
        # The guide's word for it.
        Field(validation_alias=AliasChoices("discount_configuration", "discount_config")),
    ] = None

    def to_edit(self) -> ThresholdEdit:
        """Returns the change asked for. A discount of null is taken away."""
        names = ("is_enabled", "threshold_amount", "recharge_to_amount")
        given: dict[str, object] = {
            name: value for name in names if (value := getattr(self, name, None)) is not None
        }
        if self.payment_gate_config is not None:
            given["gate"] = self.payment_gate_config.to_gate()
        if "discount_configuration" in self.model_fields_set:
            discount = self.discount_configuration
            none = {"payment_fraction": None, "discount_cap": None}
            given |= none if discount is None else discount.to_fields()
        commit = {} if self.commit is None else _commit_fields(self.commit)
        if self.commit is not None and self.commit.product_id is not None:
            commit["product_id"] = self.commit.product_id
        return ThresholdEdit(given, commit)


class PrepaidUpdateSchema(SpendUpdateSchema):
    """A change of a prepaid threshold."""

    recharge_to_amount: Positive | None = None
    custom_credit_type_id: Id | None = None
    threshold_balance_specifiers: list[BalanceSpecifierSchema] | None = None

    def to_prepaid_edit(self) -> PrepaidEdit:
        """Returns the change asked for. A unit of null is that of the rate card."""
        edit = self.to_edit()
        if "threshold_balance_specifiers" in self.model_fields_set:
            excluded = _excluded(self.threshold_balance_specifiers)
            edit = ThresholdEdit({**edit.given, "excluded": excluded}, edit.commit)
        return PrepaidEdit(
            edit,
            self.custom_credit_type_id,
            "custom_credit_type_id" in self.model_fields_set,
        )


class ReleaseWorkflow(Schema):
    """Whether a charge that is collected elsewhere was paid."""

    workflow_id: Id
    outcome: Annotated[Literal["PAID", "FAILED"], Upper]


class UpdateActiveRecharge(Schema):
    """A change of the one prepaid threshold that a customer has."""

    customer_id: Id
    recharge_to_amount: Positive | None = None
    recharge_threshold: Positive | None = None
    enabled: Flag | None = None

    def to_edit(self) -> PrepaidEdit:
        """Returns the change asked for."""
        wanted = {
            "recharge_to_amount": self.recharge_to_amount,
            "threshold_amount": self.recharge_threshold,
            "is_enabled": self.enabled,
        }
        return PrepaidEdit(
            ThresholdEdit({name: value for name, value in wanted.items() if value is not None})
        )


def _commit_fields(commit: SpendCommitSchema | CommitUpdateSchema) -> dict[str, Any]:
    """Returns the terms that were given, by the names they are stored under."""
    fields: dict[str, Any] = {}
    for name in commit.model_fields_set & {*type(commit).model_fields} - {"product_id"}:
        value = getattr(commit, name)
        if name == "duration":
            fields[name] = None if value is None else value.to_date()
        elif name == "specifiers":
            fields[name] = tuple(one.to_specifier() for one in value or ())
        elif name.startswith("applicable"):
            fields[name] = tuple(value or ())
        elif value is not None or name != "priority":
            fields[name] = value
    if "priority" in commit.model_fields_set and commit.priority is None:
        fields["priority"] = ThresholdCommit.model_fields["priority"].default
    return fields
