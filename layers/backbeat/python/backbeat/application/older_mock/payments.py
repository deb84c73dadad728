"""Payment simulation of profile `mock`: a threshold's recharge succeeds or fails as told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from backbeat.application.older_mock.json_text import Fields, decoded, encoded
from backbeat.application.older_mock.profile import OlderMock
from backbeat.application.services import Call
from backbeat.domain.older_mock import notices
from backbeat.models.notifications import Notification
from backbeat.models.older_mock import MockBalances, MockContract
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Version

_STATUS = "mock_payment_status"
_NOTHING: Fields = {"is_enabled": False, "threshold_amount": 0, "recharge_to_amount": 0}


@dataclass(frozen=True, slots=True)
class Threshold:
    """What an edit says of the prepaid balance threshold configuration."""

    add: Fields | None = None
    update: Fields | None = None


class Outcome(NamedTuple):
    """How a simulated payment ended, and for which product."""

    product_id: str
    is_paid: bool


def configured(contract: MockContract, given: Threshold) -> tuple[MockContract, Outcome | None]:
    """Returns the contract with its configuration, and the payment that is simulated, if any.

    Adding one always pays where it names a commit; updating one only if it says how.
    """
    config, outcome = _config(contract), None
    if given.update is not None:
        config = {**(config or _NOTHING), **given.update}
        outcome = _outcome(config) if _STATUS in given.update else None
    if given.add is not None:
        config = given.add
        outcome = _outcome(config)
    text = encoded(config) if config else None
    return contract.model_copy(update={"threshold": text}), outcome


def settle(
    call: Call,
    work: UnitOfWork,
    profile: OlderMock,
    contract: MockContract,
    contracts: Sequence[MockContract],
    outcome: Outcome,
    *,
    fact: str,
) -> list[Notification]:
    """Adds to the work what a payment does to the customer's balance, and returns what it tells.

    The balance is set, not added to. `contracts` are all of the customer's.
    """
    config = _config(contract)
    threshold, recharge = _amount(config, "threshold_amount"), _amount(config, "recharge_to_amount")
    balance = recharge or threshold if outcome.is_paid else min(recharge, threshold)
    key = keys.older_mock_balances(call.tenant, contract.customer_id)
    item = call.store.get(key)
    before = MockBalances() if item is None else from_item(item, MockBalances)
    after = MockBalances(by_product={**before.by_product, outcome.product_id: balance})
    version = 0 if item is None else item.version
    condition = Absent() if item is None else Version(version)
    work.add(Put(to_item(key, after, version=version + 1), condition))
    alerts = [
        notices.low_balance_told(
            one,
            alert_id=profile.alert_id,
            threshold=limit,
            remaining=balance,
            fact=f"{fact} {one.id}",
            at=call.now,
        )
        for one in contracts
        if _config(one).get("is_enabled")
        and (limit := _amount(_config(one), "threshold_amount")) > 0
        and balance <= limit
    ]
    paid = notices.payment_told(contract, is_paid=outcome.is_paid, fact=fact, at=call.now)
    return [*alerts, paid]


def balances(call: Call, customer_id: str) -> Mapping[str, Decimal]:
    """Returns a customer's balances by product."""
    found = read(call.store, keys.older_mock_balances(call.tenant, customer_id), MockBalances)
    return {} if found is None else found.by_product


def _outcome(config: Fields) -> Outcome | None:
    commit = config.get("commit")
    if not isinstance(commit, dict):
        return None
    return Outcome(str(commit.get("product_id", "")), config.get(_STATUS) != "failed")


def _config(contract: MockContract) -> Fields:
    if contract.threshold is None:
        return {}
    config: Fields = decoded(contract.threshold)
    return config


def _amount(config: Fields, name: str) -> Decimal:
    value = config.get(name)
    return Decimal(value) if isinstance(value, int | Decimal) else Decimal(0)
