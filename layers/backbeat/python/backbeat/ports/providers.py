"""What the providers behind the billing handlers have in common: access to them, and failures."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Access:
    """Where a provider answers, and the key of the account there. The key is never shown."""

    base_url: str
    key: str = field(repr=False)


class ProviderError(Exception):
    """A provider did not do what it was asked to. `provider` is its name."""

    def __init__(self, provider: str, message: str) -> None:
        super().__init__(f"{provider}: {message}")
        self.provider = provider
        self.message = message


class Refused(ProviderError):
    """The provider understood and will not do it, however often it is asked the same.

    `status` is the HTTP status, `code` the provider's own where it has one.
    """

    def __init__(self, provider: str, message: str, *, status: int, code: str = "") -> None:
        super().__init__(provider, message)
        self.status = status
        self.code = code


class Away(ProviderError):
    """No answer that decides: it may have been done or not. Ask again with the same key."""
