"""What profile `mock` is told by its environment, and its webhook targets."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from backbeat.application import targets
from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put


@dataclass(frozen=True, slots=True)
class OlderMock:
    """The profile's settings: `targets` are webhook URLs, `base_url` that of dashboards."""

    alert_id: str
    targets: tuple[str, ...]
    base_url: str


class _Seeded(Model):
    """Marks a world whose targets were subscribed; what is removed later stays so."""


def subscribe_targets(call: Call, profile: OlderMock) -> None:
    """Subscribes the targets of the environment, once in each world."""
    key = keys.older_mock_mark(call.tenant)
    if not profile.targets or call.store.get(key) is not None:
        return
    for url in profile.targets:
        targets.add(call, url)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(key, _Seeded()), Absent()))
    work.commit()


def with_path(url: str, path: str) -> str:
    """Returns a target with a path, unless it has one."""
    parts = urlsplit(url)
    if parts.path not in ("", "/") or not path:
        return url
    return urlunsplit(parts._replace(path=f"/{path.lstrip('/')}"))


def new_id(call: Call, prefix: str) -> str:
    """Returns an id such as the older mock makes."""
    return f"{prefix}_{call.services.ids.new().replace('-', '')[:21]}"
