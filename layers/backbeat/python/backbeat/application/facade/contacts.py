"""Customers of the facade: who they are to the product, beside what the engine knows of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from backbeat.application import customers, outbox
from backbeat.application.facade import notices
from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.models.customers import Customer
from backbeat.models.notifications import Notification
from backbeat.models.provider_configurations import ProviderConfiguration
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Version


class Contact(Model):
    """An entity of the product, as the facade's callers describe it."""

    customer_id: str
    entity_id: str
    entity_type: str
    email: str
    metadata: dict[str, str] = {}
    updated_at: datetime


def create(
    call: Call,
    *,
    entity_id: str,
    entity_type: str,
    email: str,
    name: str,
    metadata: Mapping[str, str],
) -> tuple[Customer, Contact]:
    """Creates a customer whose usage is sent under the entity's id.

    Raises:
        Conflict: the entity is a customer already.
    """
    made: list[Contact] = []

    def beside(
        work: UnitOfWork, customer: Customer, accounts: Sequence[ProviderConfiguration]
    ) -> Sequence[Notification]:
        contact = Contact(
            customer_id=customer.id,
            entity_id=entity_id,
            entity_type=entity_type,
            email=email,
            metadata=dict(metadata),
            updated_at=call.now,
        )
        made[:] = [contact]
        work.add(Put(to_item(keys.facade_contact(call.tenant, customer.id), contact), Absent()))
        return [notices.customer_told(call, customer, contact, "created")]

    customer = customers.create(
        call, name=name, ingest_aliases=[entity_id], custom_fields={}, beside=beside
    )
    return customer, made[0]


def of_customers(call: Call, found: Sequence[Customer]) -> dict[str, Contact]:
    """Returns what is known of customers by their ids; of others than the facade's, nothing."""
    wanted = [keys.facade_contact(call.tenant, customer.id) for customer in found]
    contacts = [from_item(item, Contact) for item in call.store.get_many(wanted).values()]
    return {contact.customer_id: contact for contact in contacts}


def change(
    call: Call, customer_id: str, *, name: str | None, changes: Mapping[str, object]
) -> tuple[Customer, Contact | None]:
    """Changes a customer's name, and what the product says of it.

    Raises:
        NotFound: no customer has the id.
        Retryable: it was changed at the same time.
    """
    customer = customers.get(call, customer_id)
    if name is not None:
        customer = customers.set_name(call, customer_id, name)
    key = keys.facade_contact(call.tenant, customer_id)
    item = call.store.get(key)
    if item is None:
        return customer, None
    contact = from_item(item, Contact).model_copy(update={**changes, "updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(Put(to_item(key, contact, version=item.version + 1), Version(item.version)))
    told = notices.customer_told(call, customer, contact, "updated")
    outbox.commit_chosen(call, work, [told])
    return customer, contact
