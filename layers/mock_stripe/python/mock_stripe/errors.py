"""What goes wrong, in Stripe's own terms: types, codes and texts.

StripeError
├── InvalidRequest       400  a parameter or a state that cannot be
│   ├── ResourceMissing  404  no object has this id
│   └── UnknownRoute     404  Stripe has no such path, or it is not served here
├── IdempotencyReused    400  the key came with other parameters
├── Unauthenticated      401  the key is missing, malformed or not for tests
├── CardDeclined         402  the payment was refused
├── TooFast              429  too many calls, or the object is locked
└── Failure              500  asked for by a test
"""

from typing import Any, ClassVar

Body = dict[str, Any]


class StripeError(Exception):
    """An answer that is an error.

    `param` names the parameter at fault as it was sent; `embedded` are objects that the body
    carries, such as the payment intent that was declined. With `keeps_changes`, what the call
    changed on the way stays, such as the failed charge.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "api_error"
    keeps_changes = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        embedded: Body | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.embedded: Body = embedded or {}

    def body(self) -> Body:
        """Returns the `error` object of the answer."""
        fields = {
            "code": self.code,
            "decline_code": self.decline_code,
            "message": self.message,
            "param": self.param,
        }
        known = {name: value for name, value in fields.items() if value is not None}
        return {"type": self.type, **known, **self.embedded}


class InvalidRequest(StripeError):
    """A parameter or a state that cannot be."""

    status = 400
    type = "invalid_request_error"


class ResourceMissing(InvalidRequest):
    """No object of this world has the id, in the path (`param` is "id") or in a parameter."""

    status = 404

    def __init__(self, noun: str, object_id: str, *, param: str = "id") -> None:
        super().__init__(f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


class UnknownRoute(InvalidRequest):
    """Stripe has no such path, has it no longer, or the double does not serve it."""

    status = 404


class IdempotencyReused(StripeError):
    """The key was used with other parameters before."""

    status = 400
    type = "idempotency_error"

    def __init__(self, key: str) -> None:
        super().__init__(
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. Try using a key other than '{key}' if you meant to execute a"
            " different request."
        )


class Unauthenticated(StripeError):
    """The key is missing, malformed or not for tests."""

    status = 401
    type = "invalid_request_error"


class CardDeclined(StripeError):
    """The payment was refused."""

    status = 402
    type = "card_error"
    keeps_changes = True


class TooFast(StripeError):
    """Too many calls at once, or the object is locked by another one."""

    status = 429
    type = "invalid_request_error"


class Failure(StripeError):
    """A failure that a test asked for."""

    status = 500
    type = "api_error"
