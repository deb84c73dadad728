"""What can be wrong with a request.

BackbeatError
├── InvalidArgument   400  names the field
├── Unauthenticated   401
├── Forbidden         403
├── NotFound          404  (400 where the operation says so)
├── Conflict          409
├── Unprocessable     422
├── TooMany           429
└── Retryable         503  nothing was changed; the same call may succeed
"""


class BackbeatError(Exception):
    """The root. `code` is what clients branch on, `message` what people read."""

    code = "InternalError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgument(BackbeatError):
    """The request itself is wrong."""

    code = "InvalidArgument"


class Unauthenticated(BackbeatError):
    """No token, or one that nobody was given."""

    code = "Unauthorized"


class Forbidden(BackbeatError):
    """The token does not carry the right."""

    code = "Forbidden"


class NotFound(BackbeatError):
    """Nothing of that kind has that id in the caller's sandbox."""

    def __init__(self, kind: str, id_: str) -> None:
        super().__init__(f"{kind} not found: {id_}")
        self.code = f"{kind.title().replace(' ', '')}NotFound"


class Conflict(BackbeatError):
    """The change collides with what is there."""

    code = "Conflict"

    def __init__(
        self, message: str, *, conflicting_id: str | None = None, value: str | None = None
    ) -> None:
        super().__init__(message)
        self.conflicting_id = conflicting_id
        self.value = value


class Unprocessable(BackbeatError):
    """The request is well formed, but what it asks for was done already."""

    code = "UnprocessableEntity"


class TooMany(BackbeatError):
    """A rate limit was crossed. After `retry_after_seconds` the same may pass."""

    code = "TooManyRequests"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Retryable(BackbeatError):
    """Others were writing the same things; nothing was changed."""

    code = "Unavailable"
