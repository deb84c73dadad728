"""API keys as JSON, without their secrets."""

from datetime import datetime

from backbeat.api.views.times import optional, timestamp
from backbeat.application.api_keys import Issued
from backbeat.models.api_keys import ApiKey


def key_view(key: ApiKey, now: datetime) -> dict[str, object]:
    """Returns a key; of each secret that is valid, only its last characters."""
    valid = [one for one in key.secrets if one.valid_until is None or now < one.valid_until]
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "secrets": [
            {
                "ends_in": one.hint,
                "created_at": timestamp(one.created_at),
                "valid_until": optional(one.valid_until),
            }
            for one in (valid if key.revoked_at is None else [])
        ],
        "created_at": timestamp(key.created_at),
        "created_by": key.created_by,
        "expires_at": optional(key.expires_at),
        "revoked_at": optional(key.revoked_at),
    }


def issued_view(issued: Issued, now: datetime) -> dict[str, object]:
    """Returns a key with its text, which is shown this once."""
    return {**key_view(issued.key, now), "key": issued.text}
