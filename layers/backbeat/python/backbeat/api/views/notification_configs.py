"""Configurations of lifecycle notifications as the API shows them."""

from backbeat.api.views.times import optional, timestamp
from backbeat.application.notification_configs import SystemConfig
from backbeat.models.lifecycle import OffsetConfig


def offset_config_view(config: OffsetConfig, environment_type: str) -> dict[str, object]:
    """Returns a configuration with an offset."""
    return {
        "id": config.id,
        "name": config.name,
        "type": "OFFSET_LIFECYCLE_EVENT",
        "policy": {"type": config.type.value, "offset": config.offset},
        "environment_type": environment_type,
        "created_at": timestamp(config.created_at),
        # Decision: tokens stand for nobody in particular.
        "created_by": "API",
        "archived_at": optional(config.archived_at),
    }


def system_config_view(config: SystemConfig) -> dict[str, object]:
    """Returns a type of system event."""
    return {
        "type": "SYSTEM_LIFECYCLE_EVENT",
        "is_enabled": config.is_enabled,
        "policy": {"type": config.type.value},
    }
