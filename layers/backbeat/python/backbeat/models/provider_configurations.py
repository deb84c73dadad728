"""Where a customer's invoices are sent: billing providers and revenue systems."""

from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from backbeat.models.base import Model

AccountTerms = dict[str, JsonValue]
"""What another system knows an account by, in that system's own words."""


class ProviderKind(StrEnum):
    """What another system does with invoices: collect them, or account for them."""

    BILLING = "billing"
    REVENUE = "revenue"


class DeliveryMethod(StrEnum):
    """How invoices get to another system."""

    DIRECT_TO_BILLING_PROVIDER = "direct_to_billing_provider"
    AWS_SQS = "aws_sqs"
    TACKLE = "tackle"
    AWS_SNS = "aws_sns"


class DeliveryAccount(Model):
    """One of the account's own ways to deliver to a provider, such as a Stripe account.

    `configuration` holds nothing secret.
    """

    id: str
    provider: str
    method: DeliveryMethod
    configuration: AccountTerms = {}
    created_at: datetime


class ProviderConfiguration(Model):
    """A customer's account at another system."""

    id: str
    customer_id: str
    kind: ProviderKind
    provider: str
    delivery_method: DeliveryMethod
    delivery_method_id: str
    configuration: AccountTerms = {}
    tax_provider: str | None = None
    created_at: datetime
    archived_at: datetime | None = None
