"""What happens to contracts, commits and credits as time passes, and when it is told.

Owns: starts and ends, when a notification before or after them is due, their order.
Does not own: what somebody does (that is told with the change), bodies, delivery.
Times: an occurrence is at its own date; it is told at that date plus the offset.
Invariants: nothing is told that was due before its contract or balance was made, before it was
asked for, or before its date was moved.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backbeat.domain import durations
from backbeat.models.balances import AccessSegment, Balance, BalanceType
from backbeat.models.contracts import Contract
from backbeat.models.lifecycle import LifecycleType, OffsetConfig
from backbeat.models.period import hour_of

_ORDER: Final = (
    LifecycleType.COMMIT_SEGMENT_END,
    LifecycleType.CREDIT_SEGMENT_END,
    LifecycleType.CONTRACT_END,
    LifecycleType.CONTRACT_START,
    LifecycleType.COMMIT_SEGMENT_START,
    LifecycleType.CREDIT_SEGMENT_START,
)
"""Of what happens at one instant, ends come before starts."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A start or an end: of a contract, or of a segment of a balance that may lie on one."""

    type: LifecycleType
    at: datetime
    made_at: datetime
    contract: Contract | None
    balance: Balance | None = None
    segment: AccessSegment | None = None

    @property
    def subject_id(self) -> str:
        """What starts or ends."""
        if self.segment is not None:
            return self.segment.id
        return "" if self.contract is None else self.contract.id


@dataclass(frozen=True, slots=True)
class Telling:
    """When an occurrence is told; `config` is what asks for it some time before or after."""

    due_at: datetime
    occurrence: Occurrence
    config: OffsetConfig | None = None


def tellings(
    contracts: Sequence[Contract],
    balances: Iterable[Balance],
    *,
    system: Mapping[LifecycleType, datetime],
    offsets: Sequence[OffsetConfig],
    after: datetime,
    generated: Collection[str],
) -> list[Telling]:
    """Returns what is to be told after an instant, in order; some may have been told before.

    Dates lie on hours, so what somebody sets to end now ended when the hour began: system events
    of that hour are among them.

    `system` are the types that are told of when they occur, each since when. `generated` are the
    balances that a recurring term made since that instant: what would have been due before they
    were there is told now.
    """
    found: list[Telling] = []
    for one in _occurrences(contracts, balances):
        since = system.get(one.type)
        if since is not None and one.at >= hour_of(after) and one.at > max(one.made_at, since):
            found.append(Telling(one.at, one))
        for config in offsets:
            if config.type is one.type and config.archived_at is None:
                due_at = durations.parse(config.offset).from_(one.at)
                if one.balance is not None and one.balance.id in generated and one.at > after:
                    found.append(Telling(max(due_at, after), one, config))
                elif due_at > max(after, one.made_at, config.since):
                    found.append(Telling(due_at, one, config))
    return sorted(found, key=_place)


def _place(telling: Telling) -> tuple[datetime, int, datetime, str, str]:
    config = telling.config
    return (
        telling.due_at,
        _ORDER.index(telling.occurrence.type),
        telling.occurrence.at,
        telling.occurrence.subject_id,
        "" if config is None else config.id,
    )


def _occurrences(
    contracts: Sequence[Contract], balances: Iterable[Balance]
) -> Iterator[Occurrence]:
    by_id = {contract.id: contract for contract in contracts}
    for contract in contracts:
        if contract.archived_at is None:
            yield _of_contract(contract, LifecycleType.CONTRACT_START, contract.starting_at)
            if contract.ending_before is not None:
                yield _of_contract(contract, LifecycleType.CONTRACT_END, contract.ending_before)
    for balance in balances:
        if balance.archived_at is None:
            yield from _of_balance(balance, by_id.get(balance.contract_id or ""))


def _of_contract(contract: Contract, type_: LifecycleType, at: datetime) -> Occurrence:
    return Occurrence(type_, at, contract.created_at, contract)


def _of_balance(balance: Balance, contract: Contract | None) -> Iterator[Occurrence]:
    is_credit = balance.type is BalanceType.CREDIT
    start, end = (
        (LifecycleType.CREDIT_SEGMENT_START, LifecycleType.CREDIT_SEGMENT_END)
        if is_credit
        else (LifecycleType.COMMIT_SEGMENT_START, LifecycleType.COMMIT_SEGMENT_END)
    )
    # What a recurring term makes is there a period before the date it bears.
    made_at = balance.created_at
    if balance.recurring_id is not None and contract is not None:
        made_at = contract.created_at
    for segment in balance.segments:
        for type_, at in ((start, segment.starting_at), (end, segment.ending_before)):
            yield Occurrence(type_, at, made_at, contract, balance, segment)
