"""The conformance checklist of the API's behaviour, item by item.

Item n has the test `test_conformance_<n>_…`; `test_conformance_items` compares the two.
"""

from typing import Final

ITEMS: Final[dict[int, str]] = {
    # Ingest and usage
    1: "batches of 101 or 0 events, or with one invalid event, store nothing",
    2: "a transaction id is the client's, not the customer's",
    3: "an alias attributes stored events for as long as it is held, final invoices aside",
    4: "events may be 24 hours ahead and 34 days old",
    5: "a streaming metric counts from its creation, a SQL metric counts everything",
    6: "bad questions about grouped usage are refused",
    7: "days of MAX, UNIQUE and LATEST do not sum to the whole",
    # Pricing
    8: "ladders: borders, per presentation value, across rates, across a commit's exhaustion",
    9: "rounding is per group and of the running total",
    10: "without the winning override the next rule holds",
    11: "a rate of the past changes drafts only",
    12: "a change of product splits its lines at that hour",
    13: "commit rates and commit-specific overrides price covered units only",
    14: "a reassigned alias leaves contracts on their card",
    # Contracts and invoices
    15: "period boundaries, and ends on and between them",
    16: "a draft is there right after the contract",
    17: "a jump of the clock finalizes and draws in order",
    18: "late usage: draft, final invoice, usage, breakdown",
    19: "void and regenerate",
    20: "archiving contracts and customers",
    21: "moving the end of a contract",
    22: "scheduled charges on usage invoices",
    23: "edits are all or nothing, once per key, and listed",
    24: "a renewal ends the contract before it",
    # Subscriptions
    25: "bad subscriptions and quantities are refused",
    26: "updates of one instant apply in order",
    27: "a subscription's price is read when its period starts",
    # API surface
    28: "idempotency keys replay successes and failures",
    29: "unknown ids",
    30: "unknown fields",
    31: "page tokens survive inserts, and end",
    32: "unregistered custom fields are refused at creation",
}
