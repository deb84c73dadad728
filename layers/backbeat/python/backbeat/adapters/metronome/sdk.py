"""Implements `Metronome` by the official SDK.

The SDK tries again by itself after failures of the network, 409, 429 and 5xx. A 409 that stays is
`Refused`: a key or an alias is taken.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import metronome

from backbeat.ports.metronome import Contract, Credit, Invoice, NewContract, NewFee, NewPackage
from backbeat.ports.providers import Access, Away, Refused

NAME: Final = "Metronome"
_TIMEOUT_SECONDS: Final = 10
_RETRIES: Final = 2
_CREDIT_PRIORITY: Final = 1
_LONGEST_KEY: Final = 128


def client(access: Access) -> metronome.Metronome:
    """Returns the SDK's client of an account, with time-outs and retries set."""
    return metronome.Metronome(
        base_url=access.base_url,
        bearer_token=access.key,
        timeout=_TIMEOUT_SECONDS,
        max_retries=_RETRIES,
    )


@contextmanager
def failures() -> Iterator[None]:
    """Turns what the SDK raises into `Refused` and `Away`."""
    try:
        yield
    except metronome.APIStatusError as error:
        body = error.body if isinstance(error.body, dict) else {}
        message = str(body.get("message") or error.message)
        if error.status_code == 429 or error.status_code >= 500:
            raise Away(NAME, message) from error
        raise Refused(
            NAME, message, status=error.status_code, code=str(body.get("code") or "")
        ) from error
    except metronome.APIError as error:
        raise Away(NAME, str(error)) from error


class MetronomeSdk:
    """An account at Metronome."""

    def __init__(self, access: Access) -> None:
        """Opens the account; nothing is sent yet."""
        # Untyped: requests are made of this module's own types.
        sdk: Any = client(access)
        self._v1, self._v2 = sdk.v1, sdk.v2

    def products(self) -> Mapping[str, str]:
        """Implements `Metronome`."""
        with failures():
            return {
                product.current.name: product.id for product in self._v1.contracts.products.list()
            }

    def create_product(self, name: str) -> str:
        """Implements `Metronome`."""
        with failures():
            return str(self._v1.contracts.products.create(name=name, type="FIXED").data.id)

    def rate_cards(self) -> Mapping[str, str]:
        """Implements `Metronome`."""
        with failures():
            return {
                alias.name: card.id
                for card in self._v1.contracts.rate_cards.list(body={})
                for alias in card.aliases or ()
            }

    def create_rate_card(self, name: str, alias: str) -> str:
        """Implements `Metronome`."""
        with failures():
            made = self._v1.contracts.rate_cards.create(name=name, aliases=[{"name": alias}])
            return str(made.data.id)

    def pricing_units(self) -> Mapping[str, str]:
        """Implements `Metronome`."""
        with failures():
            return {unit.name: unit.id for unit in self._v1.pricing_units.list()}

    def packages(self) -> Mapping[str, str]:
        """Implements `Metronome`."""
        with failures():
            return {
                alias.name: package.id
                for package in self._v1.packages.list()
                for alias in package.aliases or ()
            }

    def create_package(self, package: NewPackage) -> str:
        """Implements `Metronome`."""
        credits_ = {
            **_monthly_credits(
                package.credit_product_id, package.credit_type_id, package.monthly_credits
            ),
            "starting_at_offset": {"unit": "DAYS", "value": 0},
        }
        with failures():
            made = self._v1.packages.create(
                name=package.name,
                contract_name=package.name,
                aliases=[{"name": package.alias}],
                uniqueness_key=package.alias[:_LONGEST_KEY],
                rate_card_id=package.rate_card_id,
                usage_statement_schedule={
                    "frequency": "MONTHLY",
                    "day": "CONTRACT_START",
                },
                recurring_credits=[credits_] if package.monthly_credits else [],
            )
            return str(made.data.id)

    def customer_by_alias(self, alias: str) -> str | None:
        """Implements `Metronome`."""
        with failures():
            found = next(iter(self._v1.customers.list(ingest_alias=alias)), None)
            return None if found is None else str(found.id)

    def create_customer(self, name: str, alias: str) -> str:
        """Implements `Metronome`."""
        with failures():
            return str(self._v1.customers.create(name=name, ingest_aliases=[alias]).data.id)

    def archive_customer(self, customer_id: str) -> None:
        """Implements `Metronome`."""
        with failures(), suppress(metronome.UnprocessableEntityError):
            self._v1.customers.archive(id=customer_id)

    def create_contract(self, contract: NewContract) -> str:
        """Implements `Metronome`."""
        fields: dict[str, Any] = {
            "customer_id": contract.customer_id,
            "starting_at": contract.starting_at,
            "uniqueness_key": contract.uniqueness_key,
        }
        if contract.package_id is not None:
            fields["package_id"] = contract.package_id
        else:
            fields |= {
                "name": contract.name,
                "rate_card_id": contract.rate_card_id,
                "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
            }
            if contract.monthly_credits:
                granted = _monthly_credits(
                    str(contract.credit_product_id),
                    str(contract.credit_type_id),
                    contract.monthly_credits,
                )
                fields["recurring_credits"] = [{**granted, "starting_at": contract.starting_at}]
        with failures():
            return str(self._v1.contracts.create(**fields).data.id)

    def contracts(self, customer_id: str) -> list[Contract]:
        """Implements `Metronome`."""
        with failures():
            listed = self._v1.contracts.list(customer_id=customer_id, include_archived=True)
            return [_contract(contract) for contract in listed.data]

    def end_contract(
        self, customer_id: str, contract_id: str, ending_before: datetime | None
    ) -> None:
        """Implements `Metronome`."""
        fields: dict[str, Any] = {"customer_id": customer_id, "contract_id": contract_id}
        if ending_before is not None:
            fields["ending_before"] = ending_before
        with failures():
            self._v1.contracts.update_end_date(**fields)

    def archive_contract(self, customer_id: str, contract_id: str) -> None:
        """Implements `Metronome`."""
        with failures():
            self._v1.contracts.archive(
                customer_id=customer_id, contract_id=contract_id, void_invoices=False
            )

    def add_fee(self, fee: NewFee) -> None:
        """Implements `Metronome`."""
        item = {"timestamp": fee.at, "unit_price": _whole(fee.amount), "quantity": 1}
        charge = {
            "product_id": fee.product_id,
            "name": fee.name,
            "schedule": {"schedule_items": [item]},
        }
        with failures():
            self._v2.contracts.edit(
                customer_id=fee.customer_id,
                contract_id=fee.contract_id,
                add_scheduled_charges=[charge],
                uniqueness_key=fee.uniqueness_key,
            )

    def credits(self, customer_id: str) -> list[Credit]:
        """Implements `Metronome`."""
        with failures():
            listed = self._v1.customers.credits.list(
                customer_id=customer_id, include_contract_credits=True, include_balance=True
            )
            return [_credit(one) for one in listed if one.access_schedule is not None]

    def end_credits(
        self, customer_id: str, contract_id: str, credit_id: str, ending_before: datetime
    ) -> None:
        """Implements `Metronome`."""
        with failures():
            held = self._v2.contracts.retrieve(customer_id=customer_id, contract_id=contract_id)
            [credit] = [one for one in held.data.credits or () if one.id == credit_id]
            changed = [
                {"id": item.id, "ending_before": ending_before}
                for item in credit.access_schedule.schedule_items
                if item.ending_before > ending_before
            ]
            if not changed:
                return
            self._v2.contracts.edit(
                customer_id=customer_id,
                contract_id=contract_id,
                update_credits=[
                    {
                        "credit_id": credit_id,
                        "access_schedule": {"update_schedule_items": changed},
                    }
                ],
            )

    def invoices(self, customer_id: str) -> list[Invoice]:
        """Implements `Metronome`."""
        with failures():
            listed = self._v1.customers.invoices.list(customer_id=customer_id, sort="date_asc")
            return [_invoice(one) for one in listed]


def _monthly_credits(product_id: str, credit_type_id: str, amount: Decimal) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "access_amount": {
            "credit_type_id": credit_type_id,
            "unit_price": _whole(amount),
            "quantity": 1,
        },
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "priority": _CREDIT_PRIORITY,
        "recurrence_frequency": "MONTHLY",
        "proration": "NONE",
    }


def _contract(contract: Any) -> Contract:
    terms = contract.current
    return Contract(
        id=str(contract.id),
        name=str(terms.name or ""),
        starting_at=_utc(contract.initial.starting_at),
        ending_before=None if terms.ending_before is None else _utc(terms.ending_before),
        archived=getattr(contract, "archived_at", None) is not None,
        package_id=getattr(contract, "package_id", None),
        uniqueness_key=getattr(contract, "uniqueness_key", None),
    )


def _credit(credit: Any) -> Credit:
    items = credit.access_schedule.schedule_items
    return Credit(
        id=str(credit.id),
        contract_id=None if credit.contract is None else str(credit.contract.id),
        name=str(credit.name or credit.product.name),
        credit_type_id=str(credit.access_schedule.credit_type.id),
        granted=sum((_exact(item.amount) for item in items), Decimal(0)),
        balance=_exact(credit.balance or 0),
        starting_at=min(_utc(item.starting_at) for item in items),
        ending_before=max(_utc(item.ending_before) for item in items),
    )


def _invoice(invoice: Any) -> Invoice:
    def instant(value: datetime | None) -> datetime | None:
        return None if value is None else _utc(value)

    return Invoice(
        id=str(invoice.id),
        type=str(invoice.type),
        status=str(invoice.status),
        contract_id=invoice.contract_id,
        credit_type=str(invoice.credit_type.name),
        total=_exact(invoice.total),
        issued_at=instant(invoice.issued_at),
        starting_at=instant(invoice.start_timestamp),
        ending_before=instant(invoice.end_timestamp),
        lines=[str(line.name) for line in invoice.line_items],
    )


def _whole(amount: Decimal) -> int:
    # The SDK writes numbers as JSON's, where only whole ones are surely exact.
    whole = int(amount)
    if whole != amount:
        raise ValueError(f"{amount} is not whole")
    return whole


def _exact(number: object) -> Decimal:
    # The SDK reads JSON numbers as binary fractions, whose shortest text is what was sent.
    return Decimal(str(number))


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
