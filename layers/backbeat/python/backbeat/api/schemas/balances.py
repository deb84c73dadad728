"""Requests about commits and credits."""

from typing import Annotated, Self

from pydantic import AliasChoices, Field, model_validator

from backbeat.api.schemas.charges import ScheduleSchema
from backbeat.api.schemas.types import (
    BodyLimit,
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Name,
    Number,
    Schema,
    Timestamp,
    UniquenessKey,
    Upper,
    Whole,
)
from backbeat.application.balances import BalanceFilter, NetFilter, NewBalance, NewSegment
from backbeat.application.charges import NewSchedule
from backbeat.application.seat_balances import SeatFilter
from backbeat.models.balances import BalanceSpecifier, BalanceType, RateChoice
from backbeat.models.sharing import ChildAccess, Sharing

_PAGE = 25
BalanceLimit = Annotated[Whole, Field(ge=1, le=_PAGE)]


class SegmentSchema(Schema):
    """An access segment."""

    amount: Number
    starting_at: HourTimestamp
    ending_before: HourTimestamp


class AccessScheduleSchema(Schema):
    """When which amounts may be drawn."""

    credit_type_id: Id | None = None
    schedule_items: Annotated[list[SegmentSchema], Field(min_length=1)]


class ExcludeSchema(Schema):
    """Products that are left out: those with all of the tags."""

    product_tags: list[str]


class SpecifierSchema(Schema):
    """Usage that may be paid: everything that is given must match."""

    product_id: Id | None = None
    product_tags: list[str] = []
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}
    exclude: list[ExcludeSchema] = []

    def to_specifier(self) -> BalanceSpecifier:
        """Returns the stored form."""
        return BalanceSpecifier(
            product_id=self.product_id,
            product_tags=tuple(self.product_tags),
            pricing_group_values=self.pricing_group_values,
            presentation_group_values=self.presentation_group_values,
            excluded_tags=tuple(tuple(one.product_tags) for one in self.exclude),
        )


class ChildAccessSchema(Schema):
    """Which contracts below may draw."""

    type: Annotated[ChildAccess, Upper]
    contract_ids: list[Id] = []

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.type is ChildAccess.CONTRACT_IDS) is not bool(self.contract_ids):
            raise ValueError("contract_ids: goes together with CONTRACT_IDS")
        return self


class HierarchyAccessSchema(Schema):
    """Who in a hierarchy may draw."""

    child_access: ChildAccessSchema

    def to_sharing(self) -> Sharing:
        """Returns the stored form."""
        access = self.child_access
        return Sharing(access=access.type, contract_ids=tuple(access.contract_ids))


class _BalanceTerms(Schema):
    """What commits and credits have in common."""

    product_id: Id
    name: Name | None = None
    description: str | None = None
    priority: Number | None = None
    rate_type: Annotated[RateChoice, Upper] = RateChoice.LIST_RATE
    access_schedule: AccessScheduleSchema
    rollover_fraction: Number | None = None
    applicable_product_ids: list[Id] = []
    applicable_product_tags: list[str] = []
    specifiers: list[SpecifierSchema] = []
    hierarchy_configuration: HierarchyAccessSchema | None = None
    netsuite_sales_order_id: str | None = None
    custom_fields: CustomFields = {}

    def to_terms(
        self,
        type_: BalanceType,
        *,
        schedule: NewSchedule | None = None,
        applicable_contract_ids: list[str] | None = None,
        invoice_contract_id: str | None = None,
        uniqueness_key: str | None = None,
        temporary_id: str | None = None,
        counts_as_discounted: bool = False,
    ) -> NewBalance:
        """Returns the balance asked for."""
        return NewBalance(
            type=type_,
            product_id=self.product_id,
            credit_type_id=self.access_schedule.credit_type_id,
            segments=[
                NewSegment(item.amount, item.starting_at, item.ending_before)
                for item in self.access_schedule.schedule_items
            ],
            rate_type=self.rate_type,
            name=self.name,
            description=self.description,
            priority=self.priority,
            invoice_schedule=schedule,
            invoice_contract_id=invoice_contract_id,
            rollover_fraction=self.rollover_fraction,
            applicable_product_ids=self.applicable_product_ids,
            applicable_product_tags=self.applicable_product_tags,
            specifiers=[specifier.to_specifier() for specifier in self.specifiers],
            applicable_contract_ids=applicable_contract_ids or (),
            sharing=None
            if self.hierarchy_configuration is None
            else self.hierarchy_configuration.to_sharing(),
            custom_fields=self.custom_fields,
            uniqueness_key=uniqueness_key,
            temporary_id=temporary_id,
            counts_as_discounted=counts_as_discounted,
            netsuite_sales_order_id=self.netsuite_sales_order_id,
        )


class SpendTrackerAttributesSchema(Schema):
    """How a purchase by hand counts for spend trackers."""

    counts_as_discounted: Annotated[
        Flag, Field(validation_alias=AliasChoices("counts_as_discounted", "count_as_discounted"))
    ] = False


class CommitSchema(_BalanceTerms):
    """A commit of a contract."""

    type: Annotated[BalanceType, Upper]
    invoice_schedule: ScheduleSchema | None = None
    temporary_id: Name | None = None
    spend_tracker_attributes: SpendTrackerAttributesSchema | None = None

    @model_validator(mode="after")
    def _is_commit(self) -> Self:
        if self.type is BalanceType.CREDIT:
            raise ValueError("type: must be PREPAID or POSTPAID")
        return self

    @property
    def schedule(self) -> NewSchedule | None:
        """When it is paid for."""
        return None if self.invoice_schedule is None else self.invoice_schedule.to_schedule()

    def to_balance(self) -> NewBalance:
        """Returns the commit asked for."""
        tracked = self.spend_tracker_attributes
        return self.to_terms(
            self.type,
            schedule=self.schedule,
            temporary_id=self.temporary_id,
            counts_as_discounted=tracked is not None and tracked.counts_as_discounted,
        )


class CreditSchema(_BalanceTerms):
    """A credit of a contract."""

    def to_balance(self) -> NewBalance:
        """Returns the credit asked for."""
        return self.to_terms(BalanceType.CREDIT)


class CreateCustomerCommit(CommitSchema):
    """A commit of a customer, for all contracts or some. Invoiced ones name by which contract."""

    customer_id: Id
    priority: Number
    applicable_contract_ids: list[Id] = []
    invoice_contract_id: Id | None = None
    uniqueness_key: UniquenessKey | None = None

    @model_validator(mode="after")
    def _invoiced_somewhere(self) -> Self:
        if self.invoice_schedule is None or self.invoice_schedule.do_not_invoice:
            return self
        if self.invoice_contract_id is None:
            raise ValueError("invoice_contract_id: required for a commit that is invoiced")
        return self

    def to_balance(self) -> NewBalance:
        """Returns the commit asked for."""
        return self.to_terms(
            self.type,
            schedule=self.schedule,
            applicable_contract_ids=self.applicable_contract_ids,
            invoice_contract_id=self.invoice_contract_id,
            uniqueness_key=self.uniqueness_key,
        )


class CreateCustomerCredit(CreditSchema):
    """A credit of a customer, for all contracts or some."""

    customer_id: Id
    priority: Number
    applicable_contract_ids: list[Id] = []
    uniqueness_key: UniquenessKey | None = None

    def to_balance(self) -> NewBalance:
        """Returns the credit asked for."""
        return self.to_terms(
            BalanceType.CREDIT,
            applicable_contract_ids=self.applicable_contract_ids,
            uniqueness_key=self.uniqueness_key,
        )


class _ListBalances(Schema):
    """Filters of balances by when they may be drawn."""

    customer_id: Id
    covering_date: Timestamp | None = None
    starting_at: Timestamp | None = None
    effective_before: Timestamp | None = None
    include_archived: Flag = False
    include_ledgers: Flag = False
    include_balance: Flag = False
    exclude_zero_balances: Flag = False
    limit: BalanceLimit = _PAGE
    next_page: str | None = None

    def _filter(
        self, types: set[BalanceType], *, id_: str | None, with_contracts: bool
    ) -> BalanceFilter:
        return BalanceFilter(
            types=frozenset(types),
            id=id_,
            with_contracts=with_contracts,
            with_archived=self.include_archived,
            covering_date=self.covering_date,
            starting_at=self.starting_at,
            effective_before=self.effective_before,
        )


class ListBalances(_ListBalances):
    """Commits and credits."""

    id: Id | None = None
    include_contract_balances: Flag = False

    def to_filter(self) -> BalanceFilter:
        """Returns which balances are wanted."""
        return self._filter(
            set(BalanceType), id_=self.id, with_contracts=self.include_contract_balances
        )


class ListCommits(_ListBalances):
    """Commits."""

    commit_id: Id | None = None
    include_contract_commits: Flag = False

    def to_filter(self) -> BalanceFilter:
        """Returns which balances are wanted."""
        return self._filter(
            {BalanceType.PREPAID, BalanceType.POSTPAID},
            id_=self.commit_id,
            with_contracts=self.include_contract_commits,
        )


class ListCredits(_ListBalances):
    """Credits."""

    credit_id: Id | None = None
    include_contract_credits: Flag = False

    def to_filter(self) -> BalanceFilter:
        """Returns which balances are wanted."""
        return self._filter(
            {BalanceType.CREDIT}, id_=self.credit_id, with_contracts=self.include_contract_credits
        )


_TYPES = {
    "PREPAID_COMMIT": BalanceType.PREPAID,
    "POSTPAID_COMMIT": BalanceType.POSTPAID,
    "CREDIT": BalanceType.CREDIT,
}


class NetFilterSchema(Schema):
    """Balances to add up: everything that is given must match."""

    balance_types: list[Annotated[str, Upper]] | None = None
    ids: list[Id] | None = None
    custom_fields: dict[str, str] = {}

    @model_validator(mode="after")
    def _known_types(self) -> Self:
        for type_ in self.balance_types or ():
            if type_ not in _TYPES:
                raise ValueError(f"balance_types: {type_} is none of {sorted(_TYPES)}")
        return self

    def to_filter(self) -> NetFilter:
        """Returns which balances are wanted."""
        types = self.balance_types
        return NetFilter(
            types=None if types is None else frozenset(_TYPES[type_] for type_ in types),
            ids=None if self.ids is None else frozenset(self.ids),
            custom_fields=self.custom_fields,
        )


class GetNetBalance(Schema):
    """What a customer can spend now, with or without what drafts already draw."""

    customer_id: Id
    credit_type_id: Id | None = None
    filters: list[NetFilterSchema] = []
    invoice_inclusion_mode: Annotated[str, Upper] = "FINALIZED_AND_DRAFT"

    @model_validator(mode="after")
    def _known_mode(self) -> Self:
        if self.invoice_inclusion_mode not in ("FINALIZED", "FINALIZED_AND_DRAFT"):
            raise ValueError("invoice_inclusion_mode: must be FINALIZED or FINALIZED_AND_DRAFT")
        return self


class ListSeatBalances(Schema):
    """What single seats of a contract's subscriptions have."""

    customer_id: Id
    contract_id: Id
    subscription_ids: list[Id] | None = None
    seat_ids: list[str] | None = None
    include_credits_and_commits: Flag = False
    include_ledgers: Flag = False
    covering_date: Timestamp | None = None
    starting_at: Timestamp | None = None
    effective_before: Timestamp | None = None
    limit: BodyLimit = _PAGE
    cursor: str | None = None

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        spans = self.starting_at is not None or self.effective_before is not None
        if self.covering_date is not None and spans:
            raise ValueError(
                "covering_date: cannot be combined with starting_at or effective_before"
            )
        return self

    def to_filter(self) -> SeatFilter:
        """Returns which seats and balances are wanted."""
        return SeatFilter(
            subscription_ids=self.subscription_ids,
            seat_ids=None if self.seat_ids is None else frozenset(self.seat_ids),
            covering_date=self.covering_date,
            starting_at=self.starting_at,
            effective_before=self.effective_before,
        )


class AddManualEntry(Schema):
    """An amount to add to a segment, or to take from it."""

    customer_id: Id
    id: Id
    segment_id: Id
    contract_id: Id | None = None
    amount: Number
    timestamp: Timestamp | None = None
    reason: Name
    per_group_amounts: dict[str, Number] = {}
    uniqueness_key: UniquenessKey | None = None
