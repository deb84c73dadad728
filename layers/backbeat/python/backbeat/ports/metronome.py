"""The usage billing that the handlers set up tiers in: Metronome, or whoever speaks its API.

Amounts are in the unit of their credit type, which is cents for USD. All calls raise `Refused` or
`Away`. Writes bear a uniqueness key wherever the API has one; the others may be repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A package that grants credits every month of its contracts. No credits: it grants none."""

    name: str
    alias: str
    rate_card_id: str
    credit_product_id: str
    credit_type_id: str
    monthly_credits: Decimal


@dataclass(frozen=True, slots=True)
class NewContract:
    """A contract by a package, or by a rate card with credits of its own each month."""

    customer_id: str
    starting_at: datetime
    name: str
    uniqueness_key: str
    package_id: str | None = None
    rate_card_id: str | None = None
    credit_product_id: str | None = None
    credit_type_id: str | None = None
    monthly_credits: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class NewFee:
    """A charge on a contract at one instant. `amount` is in cents."""

    customer_id: str
    contract_id: str
    product_id: str
    name: str
    at: datetime
    amount: Decimal
    uniqueness_key: str


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as it stands. `ending_before` None: it goes on."""

    id: str
    name: str
    starting_at: datetime
    ending_before: datetime | None
    archived: bool
    package_id: str | None
    uniqueness_key: str | None


@dataclass(frozen=True, slots=True)
class Credit:
    """Credits of one period: what was granted, what is left, and when they may be spent."""

    id: str
    contract_id: str | None
    name: str
    credit_type_id: str
    granted: Decimal
    balance: Decimal
    starting_at: datetime
    ending_before: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. `status` is DRAFT, FINALIZED or VOID; `total` is in the unit of `credit_type`."""

    id: str
    type: str
    status: str
    contract_id: str | None
    credit_type: str
    total: Decimal
    issued_at: datetime | None
    starting_at: datetime | None
    ending_before: datetime | None
    lines: Sequence[str]


class Metronome(Protocol):
    """One account."""

    def products(self) -> Mapping[str, str]:
        """Returns the ids of all products by name."""
        ...

    def create_product(self, name: str) -> str:
        """Creates a product of fixed price and returns its id."""
        ...

    def rate_cards(self) -> Mapping[str, str]:
        """Returns the ids of all rate cards by alias."""
        ...

    def create_rate_card(self, name: str, alias: str) -> str:
        """Creates a rate card and returns its id."""
        ...

    def pricing_units(self) -> Mapping[str, str]:
        """Returns the ids of all credit types by name, "USD (cents)" among them."""
        ...

    def packages(self) -> Mapping[str, str]:
        """Returns the ids of all packages by alias."""
        ...

    def create_package(self, package: NewPackage) -> str:
        """Creates a package and returns its id."""
        ...

    def customer_by_alias(self, alias: str) -> str | None:
        """Returns the id of the customer that usage under an alias belongs to."""
        ...

    def create_customer(self, name: str, alias: str) -> str:
        """Creates a customer, whose alias nobody else may have, and returns the id."""
        ...

    def archive_customer(self, customer_id: str) -> None:
        """Archives a customer; done before, nothing happens."""
        ...

    def create_contract(self, contract: NewContract) -> str:
        """Creates a contract and returns its id. A key that was used is `Refused` with 409."""
        ...

    def contracts(self, customer_id: str) -> list[Contract]:
        """Returns a customer's contracts, archived ones too."""
        ...

    def end_contract(
        self, customer_id: str, contract_id: str, ending_before: datetime | None
    ) -> None:
        """Ends a contract at an instant, or lets it go on."""
        ...

    def archive_contract(self, customer_id: str, contract_id: str) -> None:
        """Takes a contract back with what it granted. Invoices that are final stay."""
        ...

    def add_fee(self, fee: NewFee) -> None:
        """Adds a charge to a contract. A key that was used is `Refused` with 409."""
        ...

    def credits(self, customer_id: str) -> list[Credit]:
        """Returns a customer's credits that are not archived, those of contracts too."""
        ...

    def end_credits(
        self, customer_id: str, contract_id: str, credit_id: str, ending_before: datetime
    ) -> None:
        """Ends the time in which credits of a contract may be spent. What is left is void then."""
        ...

    def invoices(self, customer_id: str) -> list[Invoice]:
        """Returns a customer's invoices, drafts too, oldest first."""
        ...
