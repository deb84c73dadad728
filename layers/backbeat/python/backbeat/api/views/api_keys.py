"""API keys as JSON, without their secrets."""

from datetime import datetime

from backbeat.api.views.times import optional, timestamp
from backbeat.application.api_keys import Issued, Standing
from backbeat.models.api_keys import ApiKey, Role, Scope


def key_view(key: ApiKey, standing: Standing, now: datetime) -> dict[str, object]:
    """Returns a key; of each secret that is valid, only its last characters.

    `last_used_at` is the beginning of the hour.
    """
    valid = [one for one in key.secrets if one.valid_until is None or now < one.valid_until]
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "scopes": list(key.scopes) or sorted(standing.scopes),
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
        "last_used_at": optional(standing.last_used),
        "expires_at": optional(key.expires_at),
        "revoked_at": optional(key.revoked_at),
    }


def issued_view(issued: Issued, standing: Standing, now: datetime) -> dict[str, object]:
    """Returns a key with its text, which is shown this once."""
    return {**key_view(issued.key, standing, now), "key": issued.text}


def role_view(role: Role, scopes: frozenset[Scope]) -> dict[str, object]:
    """Returns a role with its scopes."""
    return {"id": role, "scopes": sorted(scopes)}
