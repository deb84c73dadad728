"""Invoices and balances that a test wants to be there: amounts are given, nothing is rated."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import balances, catalog, contracts, customers, outbox, product_balances
from backbeat.application.balances import NewBalance, NewSegment, ShownBalance
from backbeat.application.product_balances import ProductBalance
from backbeat.application.services import Call
from backbeat.domain import invoicing, notices, periods
from backbeat.domain.identity import derived_id
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.catalog import Product, ProductState, ProductType
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound, Retryable
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineItem, LineType
from backbeat.models.money import add, multiply, subtract
from backbeat.persistence import invoices
from backbeat.persistence.unit_of_work import UnitOfWork

_REASON: Final = "Set by hand"
_PRODUCT: Final = "Balance set by hand"


@dataclass(frozen=True, slots=True)
class ManualLine:
    """A line as given: so much at so much, in the invoice's unit (USD: cents)."""

    name: str
    quantity: Decimal
    unit_price: Decimal
    product_id: str | None


def customer(call: Call, customer_key: str) -> Customer:
    """Returns the customer of an id or ingest alias.

    Raises:
        NotFound: there is none.
    """
    found = customers.matching_key(call, customer_key)
    if found is None:
        raise NotFound("customer", customer_key)
    return found


def invoice(
    call: Call,
    customer: Customer,
    contract_id: str | None,
    *,
    lines: Sequence[ManualLine],
    credit_type_id: str,
    issued_at: datetime | None,
) -> Invoice:
    """Stores a final invoice of these lines and tells subscribers. It draws on no balance.

    It stands apart from what the contract bills itself, which it neither replaces nor changes.
    The contract need not be named where the customer has one only.

    Raises:
        NotFound: the contract or a product does not exist.
        InvalidArgument: there is no such unit, or the contract must be named.
    """
    contract = _contract(call, customer, contract_id)
    unit = catalog.credit_type(call, credit_type_id)
    id_, at = call.services.ids.new(), issued_at or call.now
    made = []
    for line in lines:
        product = None if line.product_id is None else catalog.get_product(call, line.product_id)
        made.append(
            LineItem(
                id=call.services.ids.new(),
                type=LineType.SCHEDULED,
                name=line.name,
                quantity=line.quantity,
                unit_price=line.unit_price,
                total=multiply(line.quantity, line.unit_price),
                credit_type=unit,
                product_id=line.product_id,
                product_type=None if product is None else product.type.value,
                starting_at=at,
            )
        )
    final = Invoice(
        id=id_,
        customer_id=customer.id,
        contract_id=contract.id,
        type=InvoiceType.SCHEDULED,
        status=InvoiceStatus.FINALIZED,
        credit_type=unit,
        scheduled_at=at,
        apart=id_,
        issued_at=at,
        finalized_at=call.now,
        line_items=tuple(made),
        total=invoicing.total(made, unit),
        net_payment_terms_days=contract.net_payment_terms_days,
        customer_custom_fields=customer.custom_fields,
        contract_custom_fields=contract.custom_fields,
        billable_status=invoicing.billable_status(customer, at),
    )
    work = UnitOfWork(call.store)
    work.add(*invoices.insert(call.store, call.tenant, final))
    outbox.commit(call, work, [notices.invoice_finalized(final, at=call.now)])
    return final


def set_balance(
    call: Call,
    customer: Customer,
    *,
    product_id: str | None,
    balance: Decimal,
    credit_type_id: str,
) -> list[ProductBalance]:
    """Makes what a customer can spend now of a product's commits and credits be an amount.

    What is missing is added to the newest of them by a manual entry, what is too much taken off
    one after the other. Where there is none, a credit of the amount is made, good for a year.
    Without a product, one is made for the purpose. Returns the customer's balances by product.

    Raises:
        InvalidArgument: the product cannot be sold as a balance, or there is no such unit.
    """
    unit = catalog.credit_type(call, credit_type_id)
    product_id = product_id or _own_product(call)
    found = [
        (one, segment)
        for one in product_balances.spendable(call, customer.id)
        if (one.balance.product_id, one.balance.credit_type.id) == (product_id, unit.id)
        and one.balance.seats is None
        and (segment := _open_segment(one.balance, call.now)) is not None
    ]
    missing = subtract(balance, *(one.worth for one, _ in found))
    if not found:
        _give(call, customer.id, product_id, balance, credit_type_id)
    elif missing > 0:
        _enter(call, *found[0], missing)
    for one, segment in found:
        if missing >= 0:
            break
        taken = min(one.worth, -missing)
        if taken > 0:
            _enter(call, one, segment, -taken)
            missing = add(missing, taken)
    return product_balances.of_customer(call, customer.id)


def _contract(call: Call, customer: Customer, contract_id: str | None) -> Contract:
    if contract_id is not None:
        return contracts.get(call, customer.id, contract_id)
    known = [one for one in contracts.of_customer(call, customer) if one.archived_at is None]
    if len(known) != 1:
        raise InvalidArgument(f"contract_id: required, the customer has {len(known)} contracts")
    return known[0]


def _own_product(call: Call) -> str:
    """Returns the product that balances without one are sold as."""
    id_ = derived_id("product of balances set by hand", call.owner)
    if not catalog.known_products(call, [id_]):
        state = ProductState(name=_PRODUCT, created_at=call.now)
        product = Product(id=id_, type=ProductType.FIXED, initial=state)
        # Somebody else may be setting a balance, too: then it is there now.
        with suppress(Retryable):
            catalog.create_product(call, product)
    return id_


def _give(
    call: Call, customer_id: str, product_id: str, amount: Decimal, credit_type_id: str
) -> None:
    start = call.now.replace(minute=0, second=0, microsecond=0)
    end = periods.add_months(start, 12)
    balances.create(
        call,
        customer_id,
        NewBalance(
            type=BalanceType.CREDIT,
            product_id=product_id,
            credit_type_id=credit_type_id,
            segments=[NewSegment(amount, start, end)],
        ),
    )


def _enter(call: Call, shown: ShownBalance, segment: AccessSegment, amount: Decimal) -> None:
    balances.add_manual_entry(
        call,
        shown.balance.customer_id,
        balance_id=shown.balance.id,
        contract_id=shown.balance.contract_id,
        segment_id=segment.id,
        amount=amount,
        timestamp=None,
        reason=_REASON,
        by_seat={},
    )


def _open_segment(balance: Balance, now: datetime) -> AccessSegment | None:
    still_open = [segment for segment in balance.segments if segment.period.covers(now)]
    if len(still_open) > 1:
        raise InvalidArgument(f"balance: {balance.id} has several segments open now")
    return still_open[0] if still_open else None
