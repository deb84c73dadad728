"""The only place where key strings are made.

Every key starts with the tenant. Parts that come from users are escaped so that `#` separates and
nothing else, and hashed when they are long. Times in keys are fixed-width UTC text, so that text
order is time order.
"""

import zlib
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final

from backbeat.models.marks import mark_of
from backbeat.ports.store import APPENDED, JOURNAL, IndexKey, Key

SLOTS: Final = 16
"""Work lists and time indexes are spread over this many partitions."""

_LONGEST_PART: Final = 256
_SURELY_SHORT: Final = _LONGEST_PART // 4
"""A character takes four bytes at most."""
_ARRIVED: Final = "@"
"""Stands before an hour of arrival. Hashes, digests and slots are hexadecimal: none contains it."""
_AFTER_EVERYTHING: Final = "\U0010ffff"


def part(text: str) -> str:
    """Returns the text as one part of a key."""
    if len(text) <= _SURELY_SHORT and "%" not in text and "#" not in text:
        return text
    escaped = text.replace("%", "%25").replace("#", "%23")
    if len(escaped.encode()) > _LONGEST_PART:
        # "%~" cannot come out of the escaping, so a hash never meets a short text.
        return f"%~{sha256(text.encode()).hexdigest()}"
    return escaped


def whole(part: str) -> str:
    """Returns the text that a part of a key was made of, unless it was hashed."""
    return part.replace("%23", "#").replace("%25", "%")


def time_text(instant: datetime) -> str:
    """Returns UTC text to the microsecond whose order is the order of time."""
    return f"{_utc_text(instant)}Z"


def _utc_text(instant: datetime) -> str:
    # A fifth of what `strftime` takes, and every event's key has one.
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26]


def slot_of(text: str) -> int:
    """Returns the slot, 0 to 15, that a text always falls into."""
    return zlib.crc32(text.encode()) % SLOTS


def prefix_range(prefix: str) -> tuple[str, str]:
    """Returns the half-open range of sort keys that begin with the prefix."""
    return prefix, prefix + _AFTER_EVERYTHING


# Tenant


def clock(tenant: str) -> Key:
    """The sandbox's own clock, absent while it follows the system."""
    return Key(tenant, "CLOCK")


def tenant(tenant: str) -> Key:
    """The mark that this tenant has scheduled work."""
    return Key(tenant, "TENANT")


def sandbox(owner: str) -> Key:
    """How often a token's owner started afresh. It outlives each of the owner's tenants."""
    return Key(f"SANDBOX#{owner}", "SANDBOX")


def snapshot(owner: str, name: str) -> Key:
    """A saved world of a token's owner. It outlives each of the owner's tenants."""
    return Key(sandbox(owner).pk, f"SNAPSHOT#{part(name)}")


def snapshots(owner: str) -> tuple[str, str, str]:
    """Partition and range of an owner's saved worlds."""
    return (sandbox(owner).pk, *prefix_range("SNAPSHOT#"))


def snapshot_page(owner: str, name: str, generation: int, page: int) -> Key:
    """A piece of a saved world, which is saved anew under a higher generation."""
    return Key(sandbox(owner).pk, f"PAGE#{part(name)}#{generation:08}#{page:04}")


def snapshot_pages(owner: str, name: str, generation: int) -> tuple[str, str, str]:
    """Partition and range of the pieces of a saved world."""
    return (sandbox(owner).pk, *prefix_range(f"PAGE#{part(name)}#{generation:08}#"))


def all_snapshot_pages(owner: str, name: str) -> tuple[str, str, str]:
    """Partition and range of the pieces of every generation."""
    return (sandbox(owner).pk, *prefix_range(f"PAGE#{part(name)}#"))


def calls(tenant: str) -> str:
    """Partition of what any call may change, of functions too that only read otherwise."""
    return f"{tenant}#CALLS"


def rate_window(tenant: str) -> Key:
    """How many calls were made in the present window."""
    return Key(calls(tenant), "RATEWINDOW")


def faults(tenant: str) -> Key:
    """What goes wrong on purpose in a sandbox."""
    return Key(calls(tenant), "FAULTS")


def request_log(tenant: str) -> str:
    """Partition of the last calls of a sandbox."""
    return f"{tenant}#REQUESTS"


def logged_request(tenant: str, writer: str, place: int) -> Key:
    """A call in the ring that one process writes."""
    return Key(request_log(tenant), f"{writer}#{place:04}")


def tenants() -> str:
    """Gsi1 partition of all tenants with scheduled work."""
    return "TENANTS"


def token(token_hash: str) -> Key:
    """An issued API token, by its SHA-256."""
    return Key(f"TOKEN#{token_hash}", "TOKEN")


def api_key(owner: str, key_id: str) -> Key:
    """An API key. It outlives each of the owner's tenants."""
    return Key(f"APIKEYS#{owner}", f"KEY#{part(key_id)}")


def api_keys(owner: str) -> tuple[str, str, str]:
    """Partition and range of an owner's API keys."""
    return (f"APIKEYS#{owner}", *prefix_range("KEY#"))


def api_key_name(owner: str, name: str) -> Key:
    """The name of a key that is not revoked."""
    return Key(f"APIKEYS#{owner}", f"NAME#{part(name)}")


def key_use(owner: str, key_id: str) -> Key:
    """When an API key was last used. Functions that only read may write it, too."""
    return Key(f"KEYUSE#{owner}", f"KEY#{part(key_id)}")


def role(owner: str, name: str) -> Key:
    """The scopes that an owner has given to a role."""
    return Key(f"APIKEYS#{owner}", f"ROLE#{name}")


def credential(secret_hash: str) -> Key:
    """What a secret of an API key or an access token stands for, by its SHA-256."""
    return Key(f"CREDENTIAL#{secret_hash}", "CREDENTIAL")


def idempotency(tenant: str, record_id: str) -> Key:
    """A stored reply."""
    return Key(f"{tenant}#IDEM#{record_id}", "IDEM")


def claim(tenant: str, scope: str, value: str) -> Key:
    """A value reserved for one owner."""
    return Key(f"{tenant}#CLAIM#{scope}#{part(value)}", "CLAIM")


# Customers and what hangs on them


def customer(tenant: str, customer_id: str) -> Key:
    """A customer."""
    return Key(f"{tenant}#CUS#{part(customer_id)}", "CUS")


def customers(tenant: str, *, archived: bool) -> str:
    """Gsi1 partition of the customers, in order of creation."""
    return f"{tenant}#CUSTOMERS#{'archived' if archived else 'active'}"


def customer_word(tenant: str, word: str, created_at: datetime, customer_id: str) -> Key:
    """That a customer is searched by a word."""
    return Key(customer_words(tenant, word), f"{part(word)}#{created(created_at, customer_id)}")


def customer_words(tenant: str, beginning: str) -> str:
    """Partition of the words with the same first letter, in their order."""
    return f"{tenant}#WORDS#{part(beginning[:1])}"


def customer_of_word(sort_key: str) -> str:
    """Returns the id of the customer whose word it is."""
    return whole(sort_key.rpartition("#")[2])


def customer_words_known(tenant: str) -> Key:
    """How far older customers were gone through for their words."""
    return Key(tenant, "WORDS")


def provider_configuration(tenant: str, customer_id: str, kind: str, id_: str) -> Key:
    """A customer's account at a billing provider or revenue system."""
    return Key(customer(tenant, customer_id).pk, f"CFG#{kind}#{part(id_)}")


def provider_configurations(tenant: str, customer_id: str, kind: str) -> tuple[str, str, str]:
    """Partition and range of a customer's accounts at systems of one kind."""
    return (customer(tenant, customer_id).pk, *prefix_range(f"CFG#{kind}#"))


def delivery_account(tenant: str, id_: str) -> Key:
    """One of the tenant's ways to deliver to a billing provider or revenue system."""
    return Key(delivery_accounts(tenant), part(id_))


def delivery_accounts(tenant: str) -> str:
    """Partition of the tenant's ways to deliver."""
    return f"{tenant}#DELIVERYACCOUNTS"


def contract(tenant: str, customer_id: str, contract_id: str) -> Key:
    """A contract."""
    return Key(customer(tenant, customer_id).pk, f"CON#{part(contract_id)}")


def contracts(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of a customer's contracts."""
    return (customer(tenant, customer_id).pk, *prefix_range("CON#"))


def contract_edit(
    tenant: str, customer_id: str, contract_id: str, at: datetime, number: int
) -> Key:
    """A change of a contract, in the order they were made."""
    place = f"EDIT#{part(contract_id)}#{time_text(at)}#{number:08}"
    return Key(customer(tenant, customer_id).pk, place)


def contract_edits(tenant: str, customer_id: str, contract_id: str) -> tuple[str, str, str]:
    """Partition and range of a contract's changes."""
    return (customer(tenant, customer_id).pk, *prefix_range(f"EDIT#{part(contract_id)}#"))


def contract_state(
    tenant: str, customer_id: str, contract_id: str, at: datetime, number: int
) -> Key:
    """A contract as it was after a change; number 0 is the contract as created."""
    place = f"STATE#{part(contract_id)}#{time_text(at)}#{number:08}"
    return Key(customer(tenant, customer_id).pk, place)


def contract_states(tenant: str, customer_id: str, contract_id: str) -> tuple[str, str, str]:
    """Partition and range of a contract's earlier forms."""
    return (customer(tenant, customer_id).pk, *prefix_range(f"STATE#{part(contract_id)}#"))


def contract_states_until(contract_id: str, at: datetime) -> str:
    """Where the forms of a contract begin that came after an instant."""
    return f"STATE#{part(contract_id)}#{time_text(at)}#{_AFTER_EVERYTHING}"


def contracts_on_package(tenant: str, package_id: str) -> str:
    """Gsi1 partition of the contracts made from a package, in order of their start."""
    return f"{tenant}#PACKAGE#{part(package_id)}#CONTRACTS"


def credit_grant(tenant: str, grant_id: str) -> Key:
    """A credit grant of the older kind."""
    return Key(credit_grants(tenant), part(grant_id))


def credit_grants(tenant: str) -> str:
    """Partition of the tenant's credit grants of the older kind."""
    return f"{tenant}#CREDITGRANTS"


def plan_usage(tenant: str, usage_id: str) -> Key:
    """What a plan charges for some usage."""
    return Key(plan_usages(tenant), part(usage_id))


def plan_usages(tenant: str) -> str:
    """Partition of what plans charge for usage."""
    return f"{tenant}#PLANUSAGE"


def balance(tenant: str, customer_id: str, balance_id: str) -> Key:
    """A commit or credit."""
    return Key(customer(tenant, customer_id).pk, f"BAL#{part(balance_id)}")


def balances(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of a customer's commits and credits."""
    return (customer(tenant, customer_id).pk, *prefix_range("BAL#"))


def invoice(tenant: str, customer_id: str, start: datetime, invoice_id: str) -> Key:
    """A stored invoice."""
    return Key(customer(tenant, customer_id).pk, f"INV#{time_text(start)}#{part(invoice_id)}")


def invoices(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of a customer's stored invoices."""
    return (customer(tenant, customer_id).pk, *prefix_range("INV#"))


def invoice_pointer(tenant: str, invoice_id: str) -> Key:
    """Where a stored invoice lies."""
    return Key(f"{tenant}#INVOICE#{part(invoice_id)}", "INV")


def invoice_lines(tenant: str, invoice_id: str, page: int) -> Key:
    """A page of a long invoice's lines."""
    return Key(f"{tenant}#INV#{part(invoice_id)}", f"LINES#{page:04}")


def payment(tenant: str, customer_id: str, created_at: datetime, payment_id: str) -> Key:
    """A payment of one of a customer's invoices, by when it began."""
    place = f"PAY#{time_text(created_at)}#{part(payment_id)}"
    return Key(customer(tenant, customer_id).pk, place)


def payments(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Returns partition and range of a customer's payments, oldest first."""
    return (customer(tenant, customer_id).pk, *prefix_range("PAY#"))


def payment_script(tenant: str) -> Key:
    """What a sandbox's gateway makes of the next payments."""
    return Key(tenant, "PAYMENT_SCRIPT")


def scripted_payment(tenant: str, key: str) -> Key:
    """A payment as a sandbox's gateway knows it, by the key that it was asked under."""
    return Key(scripted_payments(tenant), part(key))


def scripted_payments(tenant: str) -> str:
    """Returns the partition of what a sandbox's gateway has been asked to collect."""
    return f"{tenant}#TILL"


def invoice_to_send(tenant: str, invoice_id: str) -> Key:
    """A final invoice that its billing provider does not have yet."""
    return Key(f"{tenant}#SEND#{part(invoice_id)}", "SEND")


def invoices_to_send(tenant: str) -> str:
    """Gsi2 partition of the invoices that billing providers do not have yet."""
    return f"{tenant}#SENDS"


def due_item(tenant: str, customer_id: str, contract_id: str, kind: str) -> Key:
    """A contract's next work of one kind."""
    return Key(customer(tenant, customer_id).pk, f"DUE#{part(contract_id)}#{kind}")


def customer_due_item(tenant: str, customer_id: str, kind: str) -> Key:
    """A customer's next work of one kind that is about no contract in particular."""
    return Key(customer(tenant, customer_id).pk, f"DUE#-#{kind}")


def thresholds_in_use(tenant: str) -> Key:
    """Says that some contract of a tenant has a threshold."""
    return Key(f"{tenant}#THRESHOLDS", "IN_USE")


def workflow(tenant: str, workflow_id: str) -> Key:
    """A charge that a threshold brought about."""
    return Key(f"{tenant}#WORKFLOW#{part(workflow_id)}", "WORKFLOW")


def due_items(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of a customer's due items."""
    return (customer(tenant, customer_id).pk, *prefix_range("DUE#"))


def due_items_of_contract(tenant: str, customer_id: str, contract_id: str) -> tuple[str, str, str]:
    """Partition and range of the due items of one contract."""
    return (customer(tenant, customer_id).pk, *prefix_range(f"DUE#{part(contract_id)}#"))


def due_at(tenant: str, key: Key, at: datetime) -> IndexKey:
    """A due item's place in its tenant's work list."""
    slot = slot_of(key.pk + key.sk)
    return IndexKey(due_slot(tenant, slot), f"{time_text(at)}#{key.pk}#{key.sk}")


def sandbox_work(tenant: str) -> str:
    """Partition of a sandbox's work list, which is read strongly: no due item is ever late."""
    return f"{tenant}#WORK"


def sandbox_work_item(tenant: str, key: Key) -> Key:
    """A due item's place in its sandbox's work list."""
    return Key(sandbox_work(tenant), f"{key.pk}#{key.sk}")


def due_slot(tenant: str, slot: int) -> str:
    """Gsi2 partition of one slot of the work list."""
    return f"{tenant}#DUE#{slot:02}"


# Catalog


def metric(tenant: str, metric_id: str) -> Key:
    """A billable metric. All of them share a partition so that ingest reads them strongly."""
    return Key(f"{tenant}#METRICS", part(metric_id))


def metric_version(tenant: str) -> Key:
    """Counts changes of the tenant's metrics, and of its alerts."""
    return Key(tenant, "VERSION#METRICS")


def entity(tenant: str, kind: str, id_: str) -> Key:
    """A product, rate card or another thing that stands alone."""
    return Key(f"{tenant}#{kind}#{part(id_)}", kind)


def entities(tenant: str, kind: str, *, archived: bool) -> str:
    """Gsi1 partition of all things of a kind, in order of creation."""
    return f"{tenant}#{kind}S#{'archived' if archived else 'active'}"


def created(at: datetime, id_: str) -> str:
    """Gsi1 sort key of lists in order of creation."""
    return f"{time_text(at)}#{part(id_)}"


def credit_type(tenant: str, id_: str) -> Key:
    """A custom pricing unit."""
    return Key(credit_types(tenant), part(id_))


def credit_types(tenant: str) -> str:
    """Partition of a tenant's custom pricing units."""
    return f"{tenant}#CREDITTYPES"


def rate_card_alias(tenant: str, name: str) -> Key:
    """Which cards answer to a name, and when."""
    return Key(f"{tenant}#RATECARDALIAS#{part(name)}", "ALIAS")


def rate_page(tenant: str, rate_card_id: str, first_sequence: int) -> Key:
    """Rates added together. They are never changed or removed, only superseded."""
    return Key(entity(tenant, "RATECARD", rate_card_id).pk, f"RATE#{first_sequence:08}")


def rates(tenant: str, rate_card_id: str) -> tuple[str, str, str]:
    """Partition and range of a card's rates."""
    return (entity(tenant, "RATECARD", rate_card_id).pk, *prefix_range("RATE#"))


# Alerts


def alert_reference(tenant: str, customer_id: str | None, alert_id: str) -> Key:
    """The place of an alert among those of its customer, or of all customers."""
    return Key(_alerts_of(tenant, customer_id), f"WATCH#{part(alert_id)}")


def alert_references(tenant: str, customer_id: str | None) -> tuple[str, str, str]:
    """Partition and range of the alerts of one customer, or of all customers."""
    return (_alerts_of(tenant, customer_id), *prefix_range("WATCH#"))


def alert_state(tenant: str, customer_id: str, alert_id: str, place: str) -> Key:
    """Where an alert stands for a customer, in one place."""
    return Key(customer(tenant, customer_id).pk, f"ALERT#{part(alert_id)}#{part(place)}")


def alert_states(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of where a customer's alerts stand."""
    return (customer(tenant, customer_id).pk, *prefix_range("ALERT#"))


def alert_states_of(tenant: str, customer_id: str, alert_id: str) -> tuple[str, str, str]:
    """Partition and range of where one alert stands for a customer."""
    return (customer(tenant, customer_id).pk, *prefix_range(f"ALERT#{part(alert_id)}#"))


def alert_sweep(tenant: str, alert_id: str) -> Key:
    """The work of asking for a look at every customer because of a new alert."""
    return Key(entity(tenant, "ALERT", alert_id).pk, "DUE#-#alert_sweep")


def _alerts_of(tenant: str, customer_id: str | None) -> str:
    return f"{tenant}#ALERTS" if customer_id is None else customer(tenant, customer_id).pk


# Lifecycle notifications


def lifecycle(tenant: str) -> str:
    """Partition of what the tenant said about lifecycle notifications."""
    return f"{tenant}#LIFECYCLE"


def system_switches(tenant: str) -> Key:
    """Which types of system events are on."""
    return Key(lifecycle(tenant), "SYSTEM")


def offset_config(tenant: str, config_id: str) -> Key:
    """A notification at an offset from events."""
    return Key(lifecycle(tenant), f"OFFSET#{part(config_id)}")


def lifecycle_sweep(tenant: str) -> Key:
    """The work of looking up what comes with time for every customer."""
    return Key(f"{lifecycle(tenant)}#SWEEP", "DUE#-#lifecycle_sweep")


def planned_notice(tenant: str, customer_id: str, config_id: str, notification_id: str) -> Key:
    """A notification that is told some time after an event."""
    place = f"PLAN#{part(config_id)}#{part(notification_id)}"
    return Key(customer(tenant, customer_id).pk, place)


def generated_balance(tenant: str, customer_id: str, balance_id: str) -> Key:
    """The mark that a recurring term made a balance."""
    return Key(customer(tenant, customer_id).pk, f"MADE#{part(balance_id)}")


def generated_balances(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of the marks that recurring terms made balances."""
    return (customer(tenant, customer_id).pk, *prefix_range("MADE#"))


def planned_notices(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of the notifications that wait for their time."""
    return (customer(tenant, customer_id).pk, *prefix_range("PLAN#"))


# What can be attached to anything


def custom_field(tenant: str, entity: str, name: str) -> Key:
    """A custom field that things of a kind may have. All of them share a partition."""
    return Key(custom_fields(tenant), f"{entity}#{part(name)}")


def custom_fields(tenant: str) -> str:
    """Partition of a tenant's custom fields."""
    return f"{tenant}#CUSTOMFIELDS"


def custom_field_values(entity: str, name: str) -> str:
    """The scope in which the values of a custom field are claimed."""
    return f"FIELD.{entity}.{part(name)}"


def contract_pointer(tenant: str, contract_id: str) -> Key:
    """Whose contract it is, among those whose invoices have ids of the same mark."""
    return Key(contracts_of_mark(tenant, mark_of(contract_id)), part(contract_id))


def contracts_of_mark(tenant: str, mark: str) -> str:
    """Partition of the contracts whose invoices have ids of a mark: mostly one."""
    return f"{tenant}#MARK#{part(mark)}"


def named_schedule(tenant: str, kind: str, owner_id: str, name: str, properties: str) -> Key:
    """A named schedule of a customer, contract or rate card."""
    return Key(named_schedules(tenant, kind, owner_id), f"{part(name)}#{part(properties)}")


def named_schedules(tenant: str, kind: str, owner_id: str) -> str:
    """Partition of an owner's named schedules."""
    return f"{tenant}#SCHED#{kind}#{part(owner_id)}"


# Usage


def event(tenant: str, transaction_id: str) -> Key:
    """A usage event; the item is the deduplication record too."""
    return Key(f"{events(tenant)}{part(transaction_id)}", APPENDED)


def events(tenant: str) -> str:
    """What the partitions of a tenant's events begin with. The rest is the transaction id."""
    return f"{tenant}{JOURNAL}"


def event_repeat(
    tenant: str, transaction_id: str, real_now: datetime, request_id: str, number: int
) -> Key:
    """A later event with a transaction id that was taken, the n-th repeat in its request."""
    sk = f"DUP#{time_text(real_now)}#{request_id}#{number:03}"
    return Key(event(tenant, transaction_id).pk, sk)


def event_superseded(tenant: str, transaction_id: str, received_at: datetime) -> Key:
    """An event whose transaction id became free again after the deduplication window."""
    return Key(event(tenant, transaction_id).pk, f"EVT#{time_text(received_at)}")


def event_time(tenant: str, customer_key: str, at: datetime, slot: int) -> IndexKey:
    """An event's place among the events of its customer key and day, in one of the slots."""
    text = _utc_text(at)
    return IndexKey(_events_of_day(tenant, customer_key, text[:10], slot), f"{text[11:]}Z")


@lru_cache(maxsize=256)
def _events_of_day(tenant: str, customer_key: str, day: str, slot: int) -> str:
    # Remembered, since the events of a request are mostly of one customer and day.
    return f"{tenant}#USE#{part(customer_key)}#{day}#{slot:02}"


def cells(tenant: str, customer_key: str, metric_id: str, month: datetime) -> str:
    """Partition of a metric's usage cells of one customer key and calendar month."""
    return f"{tenant}#CELL#{part(customer_key)}#{part(metric_id)}#{month.year:04}-{month.month:02}"


def cell_day(day: int) -> str:
    """Where the cells of a day begin inside their month."""
    return f"{day:02}"


def hour_of_month(hour: datetime) -> str:
    """Where what is kept by the hour begins inside its month."""
    return f"{hour.day:02}T{hour.hour:02}"


def cell(
    tenant: str, customer_key: str, metric_id: str, at: datetime, group: bytes, slot: str
) -> Key:
    """The usage cells of a day and group. Writers of different slots never meet; readers add up."""
    group_hash = blake2b(group, digest_size=12).hexdigest()
    pk = cells(tenant, customer_key, metric_id, at)
    return Key(pk, f"{cell_day(at.day)}#{group_hash}#{slot}")


def arrival_slot(slot: str, arrived: datetime | None) -> str:
    """Returns the slot of what a writer counts that arrived in an hour, where that is kept."""
    return slot if arrived is None else f"{slot}{_ARRIVED}{time_text(arrived)[:13]}"


def arrived_before(sort_key: str, text: str | None) -> bool:
    """Tells whether what a sort key names arrived before the hour of a time text.

    True of all that is kept without its arrival, and without a text.
    """
    if text is None:
        return True
    _, marked, arrived = sort_key.partition(_ARRIVED)
    return not marked or arrived[:13] < text[:13]


def tracked(tenant: str, customer_key: str, metric_id: str, month: datetime) -> str:
    """Partition of a metric's greatest, latest or distinct values, laid out as `cells` are."""
    return f"{tenant}#TRACK#{part(customer_key)}#{part(metric_id)}#{month:%Y-%m}"


def tracked_value(
    tenant: str, customer_key: str, metric_id: str, hour: datetime, group: bytes, last: str
) -> Key:
    """A greatest or latest value by writer's slot, or a distinct value by its digest."""
    group_hash = blake2b(group, digest_size=12).hexdigest()
    return Key(
        tracked(tenant, customer_key, metric_id, hour), f"{hour_of_month(hour)}#{group_hash}#{last}"
    )


def active_days(tenant: str, customer_key: str, month: datetime) -> str:
    """Partition of the days of a month in which a customer key has events."""
    return f"{tenant}#DAYS#{part(customer_key)}#{month:%Y-%m}"


def active_day(tenant: str, customer_key: str, day: datetime) -> Key:
    """The mark that a customer key has events on a day."""
    return Key(active_days(tenant, customer_key, day), cell_day(day.day))


def event_times(tenant: str, customer_key: str, day: datetime) -> list[str]:
    """Gsi1 partitions of the events of a customer key and day."""
    text = time_text(day)[:10]
    return [_events_of_day(tenant, customer_key, text, slot) for slot in range(SLOTS)]


def time_of_day(instant: datetime) -> str:
    """Where the events of an instant begin inside their day."""
    return time_text(instant)[11:]


def event_id(tenant: str, key: Key) -> str:
    """Returns the transaction id in an event's key, or what stands for one that is too long."""
    return whole(key.pk.removeprefix(events(tenant)))


# The log of changes

OWNERS: Final = {"CUSTOMER": "customer", "CONTRACT": "contract", "RATECARD": "rate_card"}
"""What those are called whose things lie in a partition that ends with kind and id."""


def audit_records(tenant: str, day: str) -> str:
    """Partition of the records of a day, which is the beginning of their positions."""
    return f"{tenant}#AUDIT#{day}"


def audit_record(tenant: str, at: datetime, number: int, id_: str) -> Key:
    """A record of changes. Its sort key is its position in the log."""
    position = f"{time_text(at)}#{number:010}#{part(id_)}"
    return Key(audit_records(tenant, position[:10]), position)


def audit_of(tenant: str, resource_type: str, resource_id: str) -> str:
    """Gsi1 partition of the records about one thing alone, in the order of the log."""
    return f"{tenant}#AUDITOF#{part(resource_type)}#{part(resource_id)}"


def audit_of_many(tenant: str) -> str:
    """Gsi1 partition of the records about several things, in the order of the log."""
    return f"{tenant}#AUDITOFMANY"


def audit_hour(tenant: str, at: datetime) -> Key:
    """The mark of an hour that has records."""
    return Key(audit_hours(tenant), time_text(at)[:13])


def audit_hours(tenant: str) -> str:
    """Partition of the hours that have records."""
    return f"{tenant}#AUDITHOURS"


def unsealed_hours() -> str:
    """Gsi1 partition of the hours of all tenants that are to be sealed, oldest first."""
    return "AUDITHOURS"


def audit_seal(tenant: str, number: int) -> Key:
    """A seal, in the order of the chain."""
    return Key(audit_seals(tenant), f"{number:010}")


def audit_seals(tenant: str) -> str:
    """Partition of a tenant's seals."""
    return f"{tenant}#AUDITSEALS"


# Profile `mock`


def older_mock_mark(tenant: str) -> Key:
    """The mark that the environment's webhook targets were subscribed."""
    return Key(f"{tenant}#OLDERMOCK", "SEEDED")


def older_mock_customer(tenant: str, customer_id: str) -> Key:
    """A customer of the profile."""
    return Key(f"{tenant}#OLDERMOCK#{part(customer_id)}", "CUS")


def older_mock_contract(tenant: str, customer_id: str, contract_id: str) -> Key:
    """A contract of the profile."""
    return Key(older_mock_customer(tenant, customer_id).pk, f"CON#{part(contract_id)}")


def older_mock_contracts(tenant: str, customer_id: str) -> tuple[str, str, str]:
    """Partition and range of the contracts of a customer of the profile."""
    return (older_mock_customer(tenant, customer_id).pk, *prefix_range("CON#"))


def older_mock_balances(tenant: str, customer_id: str) -> Key:
    """What simulated payments left of a customer's balances."""
    return Key(older_mock_customer(tenant, customer_id).pk, "BALANCES")


def older_mock_invoice(tenant: str, invoice_id: str) -> Key:
    """An invoice of the profile."""
    return Key(older_mock_invoices(tenant), part(invoice_id))


def older_mock_invoices(tenant: str) -> str:
    """Partition of the invoices of the profile."""
    return f"{tenant}#OLDERMOCKINVOICES"


# The simple facade


def facade_contact(tenant: str, customer_id: str) -> Key:
    """What the product says of a customer."""
    return Key(customer(tenant, customer_id).pk, "FACADECONTACT")


def facade_shelf(tenant: str, version: str) -> Key:
    """What the tiers of a version of the catalogue are sold as."""
    return Key(f"{tenant}#FACADESHELF", part(version))


def facade_cancellation(tenant: str, contract_id: str) -> Key:
    """That a contract was canceled."""
    return Key(f"{tenant}#FACADECANCELED#{part(contract_id)}", "CANCELED")


# Webhooks that come in


def inbound_event(tenant: str, provider: str, event_id: str) -> Key:
    """What a provider told, by the provider's own id."""
    return Key(f"{tenant}#INBOUND#{provider}#{part(event_id)}", "EVENT")


def inbound_events(tenant: str) -> str:
    """Gsi1 partition of everything that came in, in the order in which it came."""
    return f"{tenant}#INBOUND"


def dunning(tenant: str, operation_id: str) -> Key:
    """What is done about a renewal that is not paid."""
    return Key(f"{tenant}#DUNNING#{part(operation_id)}", "DUNNING")


def dunning_due(tenant: str, operation_id: str) -> Key:
    """When the next thing is to be done about it."""
    return Key(dunning(tenant, operation_id).pk, "DUE#-#dunning")


def dunning_policy(tenant: str) -> Key:
    """What holds for renewals that fail."""
    return Key(f"{tenant}#DUNNINGPOLICY", "CURRENT")


def inbound_mark(tenant: str, provider: str) -> Key:
    """Until when a provider's events were looked up that may have been missed."""
    return Key(f"{tenant}#INBOUNDMARKS", provider)


def collection(tenant: str, invoice_id: str) -> Key:
    """How an invoice of Metronome is collected at Stripe."""
    return Key(f"{tenant}#COLLECTION#{part(invoice_id)}", "COLLECTION")


def collection_due(tenant: str, invoice_id: str) -> Key:
    """When the next thing is to be done about one that is not paid."""
    return Key(collection(tenant, invoice_id).pk, "DUE#-#collecting")


def collecting(tenant: str, stripe_invoice_id: str) -> Key:
    """Which invoice of Metronome one at Stripe collects."""
    return Key(f"{tenant}#COLLECTING#{part(stripe_invoice_id)}", "COLLECTING")


# Webhooks


def endpoint(tenant: str, endpoint_id: str) -> Key:
    """A webhook target."""
    return Key(f"{tenant}#ENDPOINTS", part(endpoint_id))


def endpoints(tenant: str) -> str:
    """Partition of a tenant's webhook targets."""
    return f"{tenant}#ENDPOINTS"


def notification(tenant: str, notification_id: str) -> Key:
    """A fact to tell."""
    return Key(f"{tenant}#NOTE#{part(notification_id)}", "NOTE")


def delivery(tenant: str, notification_id: str, endpoint_id: str) -> Key:
    """A notification on its way to one endpoint."""
    return Key(notification(tenant, notification_id).pk, f"TO#{part(endpoint_id)}")


def deliveries_of(tenant: str, notification_id: str) -> tuple[str, str, str]:
    """Partition and range of the deliveries of one notification."""
    return (notification(tenant, notification_id).pk, *prefix_range("TO#"))


def notifications(tenant: str) -> str:
    """Gsi1 partition of all notifications, in order of creation."""
    return f"{tenant}#NOTES"


def deliveries(tenant: str) -> str:
    """Gsi1 partition of all deliveries, in order of creation."""
    return f"{tenant}#DELIVERIES"


def outbox(tenant: str) -> str:
    """Gsi2 partition of the notifications not yet queued."""
    return f"{tenant}#OUTBOX"


def pending(tenant: str) -> str:
    """Gsi2 partition of the deliveries that are neither done nor given up."""
    return f"{tenant}#PENDING"


def dead(tenant: str) -> str:
    """Gsi2 partition of the deliveries that were given up, in order of creation."""
    return f"{tenant}#DEAD"


def sim_scenario(tenant: str, scenario_id: str) -> Key:
    """A scenario of the simulator."""
    return Key(sim_scenarios(tenant), part(scenario_id))


def sim_scenarios(tenant: str) -> str:
    """Partition of the scenarios of the simulator, which are few."""
    return f"{tenant}#SIMSCENARIOS"


def sim_run(tenant: str, run_id: str) -> Key:
    """A run of a scenario."""
    return Key(f"{tenant}#SIMRUN#{part(run_id)}", "RUN")


def sim_runs(tenant: str, created_at: datetime, run_id: str) -> IndexKey:
    """A run's place among all, in order of creation."""
    return IndexKey(f"{tenant}#SIMRUNS", f"{time_text(created_at)}#{run_id}")


def sim_batch(tenant: str, batch_id: str) -> Key:
    """Runs that were asked for together."""
    return Key(f"{tenant}#SIMBATCH#{part(batch_id)}", "BATCH")


# Billing handlers


def account(tenant: str, entity_id: str) -> Key:
    """An entity of the product that bills its customers through the handlers."""
    return Key(f"{tenant}#ENTITY#{part(entity_id)}", "ACCOUNT")


def accounts(tenant: str) -> str:
    """Gsi1 partition of the entities, in order of creation."""
    return f"{tenant}#ENTITIES"


def account_due(tenant: str, entity_id: str) -> Key:
    """What time brings for an entity: a renewal, a scheduled change, an end."""
    return Key(account(tenant, entity_id).pk, "DUE#-#account")


def operation(tenant: str, operation_id: str) -> Key:
    """A change under way, or over, in several systems."""
    return Key(f"{tenant}#OPERATION#{part(operation_id)}", "OPERATION")


def operation_due(tenant: str, operation_id: str) -> Key:
    """The next look at a change under way."""
    return Key(operation(tenant, operation_id).pk, "DUE#-#operation")


def operations(tenant: str, status: str) -> str:
    """Gsi1 partition of the changes of one status, in order of creation."""
    return f"{tenant}#OPERATIONS#{status}"


def operation_of_invoice(tenant: str, stripe_invoice_id: str) -> Key:
    """Which change an invoice at Stripe is of."""
    return Key(f"{tenant}#OPERATIONINVOICE#{part(stripe_invoice_id)}", "OPERATION")


def account_of_customer(tenant: str, provider: str, customer_id: str) -> Key:
    """Which entity a customer at a provider is."""
    return Key(f"{tenant}#ENTITYCUSTOMER#{provider}#{part(customer_id)}", "ACCOUNT")


def catalogue(tenant: str) -> Key:
    """The tiers that are offered, as they were set up."""
    return Key(f"{tenant}#CATALOGUE", "CURRENT")


# Metering


def metering(tenant: str) -> str:
    """Partition of what metering is set up with: together, so that ingest reads it strongly."""
    return f"{tenant}#METERING"


def counter(tenant: str, name: str) -> Key:
    """A counter, by its name."""
    return Key(metering(tenant), f"COUNTER#{part(name)}")


def cap(tenant: str, cap_id: str) -> Key:
    """A cap on usage."""
    return Key(metering(tenant), f"CAP#{part(cap_id)}")


def metered_refs(tenant: str) -> str:
    """Partition of the customer references that events were sent for."""
    return f"{tenant}#METEREDREFS"


def metered_ref(tenant: str, customer_ref: str) -> Key:
    """The mark that events were sent for a customer reference."""
    return Key(metered_refs(tenant), part(customer_ref))


def adjustment(tenant: str, adjustment_id: str) -> Key:
    """A change of usage by hand, or an event that came too late to count by itself."""
    return Key(f"{tenant}#ADJUSTMENT#{part(adjustment_id)}", "ADJUSTMENT")


def adjustments(tenant: str) -> str:
    """Gsi1 partition of all adjustments in order of creation."""
    return f"{tenant}#ADJUSTMENTS"


def adjusting(tenant: str) -> str:
    """Gsi2 partition of the adjustments whose decision is not carried out yet."""
    return f"{tenant}#ADJUSTING"


def mapping(tenant: str, mapping_id: str) -> Key:
    """A mapping of usage to a meter at Stripe."""
    return Key(f"{tenant}#MAPPING#{part(mapping_id)}", "MAPPING")


def mappings(tenant: str) -> str:
    """Gsi1 partition of all mappings in order of creation."""
    return f"{tenant}#MAPPINGS"


def pushes(tenant: str, ledger: str) -> str:
    """Partition of what is pushed to one target of a mapping."""
    return f"{tenant}#PUSH#{part(ledger)}"


def push_state(tenant: str, ledger: str, period_start: datetime) -> Key:
    """How far a period is pushed."""
    return Key(pushes(tenant, ledger), f"STATE#{time_text(period_start)}")


def push_record(tenant: str, ledger: str, period_start: datetime, sequence: int) -> Key:
    """One push of a period."""
    return Key(pushes(tenant, ledger), f"LOG#{time_text(period_start)}#{sequence:08}")


def push_records(tenant: str, ledger: str) -> tuple[str, str, str]:
    """Partition and range of a target's pushes, by period and then in order."""
    return (pushes(tenant, ledger), *prefix_range("LOG#"))


def pushed_event(tenant: str, identifier: str) -> IndexKey:
    """Gsi1 place of the push that is known to Stripe under an identifier."""
    return IndexKey(f"{tenant}#PUSHED#{part(identifier)}", "PUSH")


def reconciled(tenant: str, ledger: str, period_start: datetime) -> Key:
    """What the latest reconciliation found of a period."""
    return Key(pushes(tenant, ledger), f"FOUND#{time_text(period_start)}")


def correction_numbers(tenant: str, ledger: str, period_start: datetime) -> Key:
    """How many corrections a period had."""
    return Key(pushes(tenant, ledger), f"NUMBERS#{time_text(period_start)}")


def correction(tenant: str, correction_id: str) -> Key:
    """A correction that a reconciliation suggested."""
    return Key(f"{tenant}#CORRECTION#{part(correction_id)}", "CORRECTION")


def corrections(tenant: str) -> str:
    """Gsi1 partition of all corrections by age."""
    return f"{tenant}#CORRECTIONS"


def reconciliation(tenant: str, run_id: str) -> Key:
    """A run of the reconciliation."""
    return Key(f"{tenant}#RECON#{part(run_id)}", "RUN")


def reconciliation_page(tenant: str, run_id: str, page: int) -> Key:
    """Some of what a run found."""
    return Key(reconciliation(tenant, run_id).pk, f"ROWS#{page:04}")


def reconciliations(tenant: str) -> str:
    """Gsi1 partition of all runs by age."""
    return f"{tenant}#RECONS"


def metering_settings(tenant: str) -> Key:
    """How a tenant's reconciliation judges."""
    return Key(metering(tenant), "SETTINGS")


def approval_policy(tenant: str) -> Key:
    """Whose approval a tenant's adjustments need."""
    return Key(metering(tenant), "APPROVALS")


def recount(tenant: str, customer_key: str, metric_id: str) -> Key:
    """Held by who counts the events of a customer key anew: one at a time."""
    return Key(f"{tenant}#RECOUNT#{part(customer_key)}#{part(metric_id)}", "RECOUNT")


def backfill(tenant: str, backfill_id: str) -> Key:
    """Usage that is brought in afterwards."""
    return Key(f"{tenant}#BACKFILL#{part(backfill_id)}", "BACKFILL")


def backfills(tenant: str) -> str:
    """Gsi1 partition of all backfills by age."""
    return f"{tenant}#BACKFILLS"


def cap_turn(tenant: str, metric: str, customer_id: str, start: datetime) -> Key:
    """Whose turn it was last to use some of what hard caps leave a customer in a period."""
    return Key(f"{tenant}#CAPTURN#{part(customer_id)}", f"{part(metric)}#{time_text(start)}")


def backfill_rows(tenant: str, backfill_id: str, page: int) -> Key:
    """Some rows of a backfill."""
    return Key(backfill(tenant, backfill_id).pk, f"ROWS#{page:06}")


def backfill_outcomes(tenant: str, backfill_id: str, page: int) -> Key:
    """What became of some rows of a backfill."""
    return Key(backfill(tenant, backfill_id).pk, f"OUTCOMES#{page:06}")


def backfill_work(tenant: str, backfill_id: str) -> Key:
    """The next part of a backfill on the work list."""
    return Key(backfill(tenant, backfill_id).pk, "DUE#backfill")


def meter_alert(tenant: str, alert_id: str) -> Key:
    """An alert about metered usage."""
    return Key(metering(tenant), f"ALERT#{part(alert_id)}")


def meter_alert_state(tenant: str, alert_id: str, customer_id: str, start: datetime) -> Key:
    """Where an alert about metered usage stands for a customer in a billing period."""
    pk, low, _ = meter_alert_states(tenant, alert_id)
    return Key(pk, f"{low}{part(customer_id)}#{time_text(start)}")


def meter_alert_states(tenant: str, alert_id: str) -> tuple[str, str, str]:
    """Partition and range of the states of an alert about metered usage."""
    return (f"{tenant}#METERALERT#{part(alert_id)}", *prefix_range("STATE#"))


def meter_alert_states_by_age(tenant: str) -> str:
    """Gsi1 partition of where all alerts about metered usage stand, by their last change."""
    return f"{tenant}#METERALERTSTATES"


def open_meter_alerts(tenant: str) -> str:
    """Gsi2 partition of the states of alerts that are above their lines."""
    return f"{tenant}#METERALERTSOPEN"


def meter_alert_event(tenant: str, event_id: str) -> Key:
    """A crossing of an alert's line."""
    return Key(f"{tenant}#METERALERTEVENT#{part(event_id)}", "EVENT")


def meter_alert_events(tenant: str) -> str:
    """Gsi1 partition of all crossings by age."""
    return f"{tenant}#METERALERTEVENTS"


def heartbeat(schedule: str) -> Key:
    """When a schedule ran last. It belongs to the stage, and to no tenant."""
    return Key(f"HEARTBEAT#{schedule}", "HEARTBEAT")


def period_closing(tenant: str, ledger: str, period_start: datetime) -> Key:
    """That a metered period was closed."""
    return Key(pushes(tenant, ledger), f"CLOSED#{time_text(period_start)}")
