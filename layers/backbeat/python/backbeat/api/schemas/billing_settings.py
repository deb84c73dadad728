"""Requests about the account's billing providers and tax systems."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from backbeat.api.schemas.types import Flag, Id, JsonObject, Schema, Upper
from backbeat.application.stripe_settings import OPTIONS
from backbeat.models.provider_configurations import DeliveryMethod

_Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
_Ids = Annotated[list[Id], Field(min_length=1, max_length=50)]


class SetUpProvider(Schema):
    """A way to deliver to a marketplace."""

    billing_provider: Literal["aws_marketplace", "azure_marketplace", "gcp_marketplace"]
    delivery_method: Literal["direct_to_billing_provider", "aws_sqs", "aws_sns"]
    configuration: JsonObject

    @property
    def method(self) -> DeliveryMethod:
        """The delivery method."""
        return DeliveryMethod(self.delivery_method)


class ListProviders(Schema):
    """A page of the ways to deliver."""

    next_page: str | None = None


class _StripeOptions(Schema):
    anrok_api_key: _Secret | None = None
    leave_invoices_in_draft: Flag | None = None
    skip_zero_dollar_invoices: Flag | None = None
    export_invoice_sub_line_items: Flag | None = None
    include_zero_quantity_sub_line_items: Flag | None = None
    stripe_invoice_quantity_always_string: Flag | None = None
    set_effective_at_date_to_inclusive_period_end: Flag | None = None

    def keys(self) -> Mapping[str, str | None]:
        """Returns the API keys that were sent."""
        return self.model_dump(include=self.model_fields_set & {"stripe_api_key", "anrok_api_key"})

    def options(self) -> Mapping[str, bool | None]:
        """Returns the options that were sent."""
        return self.model_dump(include=self.model_fields_set & OPTIONS.keys())


class CreateStripeSettings(_StripeOptions):
    """Keys and options of the account at Stripe."""

    stripe_api_key: _Secret


class UpdateStripeSettings(_StripeOptions):
    """The same in part. Null takes a setting away, but not the key itself."""

    stripe_api_key: _Secret = ""


class SetApiKey(Schema):
    """The older way to set the key."""

    api_key: _Secret


class UpsertAnrok(Schema):
    """A token for some ways to deliver."""

    delivery_method_ids: _Ids
    anrok_api_token: _Secret


class UpsertAvalara(Schema):
    """Credentials for some ways to deliver."""

    delivery_method_ids: _Ids
    avalara_environment: Annotated[Literal["PRODUCTION", "SANDBOX"], Upper]
    avalara_username: _Secret
    avalara_password: _Secret
    commit_transactions: Flag = False

    def secrets(self) -> Mapping[str, str]:
        """Returns what is to be kept, by name."""
        return {
            "avalara_environment": self.avalara_environment,
            "avalara_username": self.avalara_username,
            "avalara_password": self.avalara_password,
            "avalara_commit_transactions": str(self.commit_transactions).lower(),
        }
