"""Requests that create a customer together with a contract."""

from backbeat.api.schemas.contracts import ContractTermsSchema
from backbeat.api.schemas.customers import CreateCustomer
from backbeat.api.schemas.types import Schema
from backbeat.application.onboarding import NewCustomer


class CreateCustomerWithContract(Schema):
    """Both are created, or neither is."""

    customer: CreateCustomer
    contract: ContractTermsSchema

    def to_customer(self) -> NewCustomer:
        """Returns the customer asked for."""
        return NewCustomer(
            name=self.customer.name,
            ingest_aliases=self.customer.all_aliases,
            custom_fields=self.customer.custom_fields,
            configurations=self.customer.to_configurations(),
        )
