"""Our own invoices wait while the usage on them differs from what Stripe was told (N-36).

Usage that is told to a meter is billed by what Stripe counts. An invoice of ours over the same
usage may only become final when both are known to be the same, or somebody closed the period in
spite of the difference, which is in the log of changes. Nobody is asked here: what counts is what
was pushed, and what the last reconciliation found. A difference that nobody has looked for yet
holds nothing; reconciliations run every hour, and an invoice waits a day for late usage anyway.
"""

from collections.abc import Iterator

from backbeat.application.metering import (
    definitions,
    mappings,
    pushes,
    quantities,
    reconciliation,
)
from backbeat.application.services import Call
from backbeat.models.counters import Counter
from backbeat.models.customers import Customer
from backbeat.models.invoices import Invoice
from backbeat.models.mappings import MeterMapping
from backbeat.models.period import Period


def differences(call: Call, customer: Customer, draft: Invoice) -> list[str]:
    """Returns in words what keeps a draft from being final; nothing when it may be."""
    known = definitions.of(call)
    metrics = {line.basis.metric_id for line in draft.line_items if line.basis is not None}
    counters = [one for one in known.counters.values() if one.billable_metric_id in metrics]
    if not counters or draft.period is None or not reconciliation.settings_of(call).holds_invoices:
        return []
    span = Period(*draft.period)
    return [
        reason
        for counter in counters
        for mapping in mappings.of_customer(call, counter.name, customer)
        for part in mappings.parts_over(call, mapping, span)
        for reason in _of_part(call, counter, mapping, part)
    ]


def _of_part(call: Call, counter: Counter, mapping: MeterMapping, part: Period) -> Iterator[str]:
    state = pushes.state_of(call, mapping, mapping.target, part)
    if state.finalized_at is not None:
        return
    metric = definitions.of(call).metric_of(counter)
    local = quantities.of_refs(call, metric, mapping.customer_refs, part)
    where = f"{counter.name} from {part.starting_at.isoformat()}"
    if local != state.pushed:
        yield f"{where}: {local:f} counted, {state.pushed:f} told to Stripe"
        return
    found = reconciliation.last_look(call, mapping, mapping.target, part)
    if found is not None and (found.local, found.pushed) == (local, state.pushed):
        for one in found.differences:
            yield f"{where}: {one.kind.value} {one.amount:f}"
