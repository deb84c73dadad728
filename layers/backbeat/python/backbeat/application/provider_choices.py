"""Which of a customer's accounts a contract's invoices go to."""

from collections.abc import Iterable, Sequence

from backbeat.application import provider_configurations
from backbeat.application.services import Call
from backbeat.models.contracts import ProviderChoice
from backbeat.models.errors import InvalidArgument
from backbeat.models.provider_configurations import ProviderConfiguration, ProviderKind


def accounts_of(call: Call, customer_id: str) -> list[ProviderConfiguration]:
    """Returns a customer's accounts of both kinds that are not archived.

    Raises:
        NotFound: the customer does not exist.
    """
    return [
        account
        for kind in ProviderKind
        for account in provider_configurations.of_customer(
            call, customer_id, kind, include_archived=False
        )
    ]


def chosen(
    wanted: ProviderChoice, accounts: Sequence[ProviderConfiguration], kind: ProviderKind
) -> ProviderChoice:
    """Returns the account meant, by id, provider and delivery method.

    Raises:
        InvalidArgument: the customer has none like that, or several.
    """
    field = f"{kind}_configuration"
    fitting = [account for account in _of_kind(accounts, kind) if _is_meant(wanted, account)]
    if not fitting:
        named = f": {wanted.configuration_id}" if wanted.configuration_id is not None else ""
        raise InvalidArgument(f"{field}: the customer has no such configuration{named}")
    if len(fitting) > 1:
        raise InvalidArgument(f"{field}: several configurations fit, name one by its id")
    [account] = fitting
    return ProviderChoice(
        configuration_id=account.id,
        provider=account.provider,
        delivery_method=account.delivery_method.value,
    )


def _of_kind(
    accounts: Iterable[ProviderConfiguration], kind: ProviderKind
) -> Iterable[ProviderConfiguration]:
    return (account for account in accounts if account.kind is kind)


def _is_meant(wanted: ProviderChoice, account: ProviderConfiguration) -> bool:
    return (
        wanted.configuration_id in (None, account.id)
        and wanted.provider in (None, account.provider)
        and wanted.delivery_method in (None, account.delivery_method.value)
    )
