"""Custom fields: which keys things of a kind may carry values under."""

from enum import StrEnum

from backbeat.models.base import Model


class FieldEntity(StrEnum):
    """The kinds of things that can have custom fields."""

    ALERT = "alert"
    BILLABLE_METRIC = "billable_metric"
    CHARGE = "charge"
    COMMIT = "commit"
    CONTRACT_CREDIT = "contract_credit"
    CONTRACT_PRODUCT = "contract_product"
    CONTRACT = "contract"
    CREDIT_GRANT = "credit_grant"
    CUSTOMER = "customer"
    DISCOUNT = "discount"
    INVOICE = "invoice"
    PROFESSIONAL_SERVICE = "professional_service"
    PRODUCT = "product"
    RATE_CARD = "rate_card"
    SCHEDULED_CHARGE = "scheduled_charge"
    SUBSCRIPTION = "subscription"
    PACKAGE_COMMIT = "package_commit"
    PACKAGE_CREDIT = "package_credit"
    PACKAGE_SUBSCRIPTION = "package_subscription"
    PACKAGE_SCHEDULED_CHARGE = "package_scheduled_charge"


class CustomField(Model):
    """A registered key. With `enforce_uniqueness` no two things of the kind share a value."""

    entity: FieldEntity
    key: str
    enforce_uniqueness: bool
