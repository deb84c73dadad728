"""What is known of a customer when its alerts are looked at, each part computed once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from backbeat.application import catalog, credit_grants, open_periods, settled_drafts, usage
from backbeat.application.services import Call
from backbeat.application.settled_drafts import Purse
from backbeat.domain import credit_grants as rules
from backbeat.domain import ledgers, seats, thresholds, windows
from backbeat.domain.credit_grants import Settled
from backbeat.domain.thresholds import Reading
from backbeat.domain.watched_balances import Holding
from backbeat.models.alerts import GRANTS, Alert, AlertType
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract
from backbeat.models.credit_grants import CreditGrant
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice
from backbeat.models.money import add
from backbeat.models.period import Period
from backbeat.persistence import contracts, invoices


class Standing:
    """One customer at one time."""

    def __init__(self, call: Call, customer: Customer) -> None:
        self._call = call
        self._customer = customer

    def readings(self, alert: Alert, *, known: Sequence[str]) -> list[Reading]:
        """Returns what an alert sees. `known` are the places it has a state for.

        Raises:
            BackbeatError: usage cannot be rated.
        """
        now = self._call.now
        match alert.type:
            case AlertType.SPEND:
                return thresholds.spend(alert, self._drafts, now=now, known=known)
            case AlertType.MONTHLY_TOTAL:
                return thresholds.monthly_total(alert, [*self._final, *self._drafts], now=now)
            case AlertType.USAGE:
                return thresholds.usage(alert, self._quantity(alert.billable_metric_id or ""))
            case AlertType.INVOICE_TOTAL:
                return thresholds.invoice_totals(alert, [*self._drafts, *self._scheduled])
            case AlertType.COMMIT_DAYS | AlertType.CREDIT_DAYS:
                return thresholds.remaining_days(
                    alert, self._holdings, now=now, contract_fields=self._contract_fields
                )
            case AlertType.SEAT_BALANCE:
                return thresholds.seat_balances(alert, self._seats(alert))
            case AlertType.GRANT_BALANCE | AlertType.GRANT_PERCENTAGE:
                return thresholds.granted(alert, self._grants, left_of=self._left_of, now=now)
            case AlertType.PLAN_DAYS:
                return thresholds.no_plan()
            case (
                AlertType.COMMIT_BALANCE
                | AlertType.COMMIT_PERCENTAGE
                | AlertType.CREDIT_BALANCE
                | AlertType.CREDIT_PERCENTAGE
                | AlertType.COMBINED_BALANCE
                | AlertType.COMBINED_PERCENTAGE
            ):
                return thresholds.remaining(
                    alert,
                    self._holdings,
                    last_drawn=self._last_drawn,
                    contract_fields=self._contract_fields,
                )

    def next_look(self, alerts: Sequence[Alert]) -> datetime | None:
        """Returns when time alone may change what the alerts see."""
        grants = self._grants if any(alert.type in GRANTS for alert in alerts) else []
        return thresholds.next_look(
            alerts, self._contracts, self._purse.balances, grants, now=self._call.now
        )

    @cached_property
    def _contracts(self) -> list[Contract]:
        call = self._call
        return list(contracts.of_customer(call.store, call.tenant, self._customer.id))

    @cached_property
    def _grants(self) -> list[CreditGrant]:
        return [one for one in self._settled.grants if one.customer_id == self._customer.id]

    @cached_property
    def _settled(self) -> Settled:
        return credit_grants.everything(self._call)

    def _left_of(self, grant: CreditGrant) -> Decimal:
        return rules.balance(grant, self._call.now, self._settled.drawn_of(grant))

    @cached_property
    def _contract_fields(self) -> Mapping[str, Mapping[str, str]]:
        return {contract.id: contract.custom_fields for contract in self._contracts}

    @cached_property
    def _purse(self) -> Purse:
        return Purse(self._call, self._customer)

    @property
    def _owned(self) -> list[Balance]:
        """The balances with all that the drafts make of them."""
        _ = self._drafts
        return self._purse.balances

    @cached_property
    def _drafts(self) -> list[Invoice]:
        return list(self._purse.drafts())

    @cached_property
    def _scheduled(self) -> list[Invoice]:
        _ = self._drafts
        return settled_drafts.scheduled_of(self._call, self._customer, self._purse)

    @cached_property
    def _final(self) -> list[Invoice]:
        call = self._call
        return list(invoices.of_customer(call.store, call.tenant, self._customer.id))

    @cached_property
    def _holdings(self) -> list[Holding]:
        """The balances with a segment that is open now, in order of creation."""
        now = self._call.now
        found = []
        for balance in sorted(self._owned, key=lambda one: (one.created_at, one.sequence)):
            open_now = [one for one in balance.segments if one.period.covers(now)]
            if seats.seat_ids(balance):
                # What is each seat's own is watched seat by seat, and by no other alert.
                continue
            if open_now and balance.archived_at is None:
                left = ledgers.worth(balance, now, self._purse.drawn_from(balance))
                found.append(Holding(balance, left, open_now))
        return found

    @cached_property
    def _last_drawn(self) -> list[str]:
        """Ids of balances in the order in which they were drawn, final invoices before drafts."""
        final = sorted(
            (deduction.timestamp, balance.id)
            for balance in self._owned
            for deduction in balance.deductions
        )
        owners = {one.id: balance.id for balance in self._owned for one in balance.segments}
        drawn = (
            owners[deduction.segment_id]
            for deduction in self._purse.drawn
            if deduction.segment_id in owners
        )
        return [*(id_ for _, id_ in final), *drawn]

    def _seats(self, alert: Alert) -> dict[str, Decimal]:
        """Returns what each seat has now, of the seats that usage names by the alert's key."""
        wanted, now = alert.seat_filter, self._call.now
        found: dict[str, Decimal] = {}
        for balance in self._owned:
            grant = balance.seats
            if (
                wanted is None
                or grant is None
                or grant.group_key != wanted.seat_group_key
                or balance.credit_type.id != alert.credit_type.id
                or balance.archived_at is not None
                or not any(segment.period.covers(now) for segment in balance.segments)
            ):
                continue
            drawn = self._purse.drawn_from(balance)
            for seat_id in seats.seat_ids(balance):
                mine = list(seats.deductions_of(drawn, seat_id))
                left = ledgers.part_worth(seats.part_of(balance, seat_id), now, mine)
                found[seat_id] = add(found.get(seat_id, Decimal(0)), left)
        return found

    def _quantity(self, metric_id: str) -> Decimal:
        """Returns a metric's value from the earliest start to the latest end of what runs now."""
        call = self._call
        running = [
            period
            for _, period, _ in open_periods.of_customer(call, self._customer.id)
            if period.covers(call.now)
        ]
        if not running:
            return Decimal(0)
        span = Period(
            min(period.starting_at for period in running),
            max(period.ending_before for period in running),
        )
        metric = catalog.get_metric(call, metric_id)
        cells = usage.cells(call, self._customer, metric, span)
        return windows.quantity(metric, cells) or Decimal(0)
