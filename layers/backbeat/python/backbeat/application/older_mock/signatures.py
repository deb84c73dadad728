"""Checking signatures as the older mock does: also over the body written anew, at any age."""

from backbeat.application import targets
from backbeat.application.older_mock.json_text import decoded, encoded
from backbeat.application.services import Call
from backbeat.domain import signing


def is_signed(call: Call, signature: str, *, date: str, body: bytes) -> bool:
    """Tells whether a signature fits the body as it came, or its JSON without spaces."""
    texts = (body, encoded(decoded(body.decode())).encode())
    return any(
        signing.is_signed(signature, secret=secret, date=date, body=text)
        for secret in targets.all_secrets(call)
        for text in texts
    )
