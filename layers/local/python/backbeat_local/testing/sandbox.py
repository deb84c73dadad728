"""A test's own sandbox: clients to it, and its controls."""

import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from backbeat_local.client import Answer, Http
from backbeat_local.testing.clock import Clock
from backbeat_local.testing.faults import Faults
from backbeat_local.testing.requests import Requests
from backbeat_local.testing.sdk import metronome_sdk
from backbeat_local.testing.webhooks import Webhooks

_WEBHOOK_SECRET = "test-secret"  # noqa: S105 - what a sandbox signs with unless told otherwise


class Sandbox:
    """An empty world of its own on a running Backbeat, by its token. Also a context manager."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Takes an address without a slash at its end; without a token, a new one."""
        self.url = url
        self.token = token or f"test-{uuid.uuid4()}"
        self.http = Http(url, self.token)
        self.clock = Clock(self.http)
        self.faults = Faults(self.http)
        self.requests = Requests(self.http)

    @cached_property
    def client(self) -> Any:
        """The official SDK's client: `metronome.Metronome` with address and token.

        Raises:
            MissingSdk: the SDK is not installed.
        """
        return metronome_sdk().Metronome(base_url=self.url, bearer_token=self.token)

    @cached_property
    def async_client(self) -> Any:
        """The same as `metronome.AsyncMetronome`. The caller closes it."""
        return metronome_sdk().AsyncMetronome(base_url=self.url, bearer_token=self.token)

    @cached_property
    def webhooks(self) -> Webhooks:
        """A webhook target that receives from now on; used for the first time, it subscribes."""
        receiver = Webhooks(secret=_WEBHOOK_SECRET)
        self.http.post("/webhooks/subscriptions", {"target": receiver.url})
        return receiver

    @property
    def env(self) -> dict[str, str]:
        """Variables for a program under test: the SDK reads both by itself."""
        return {"METRONOME_BASE_URL": self.url, "METRONOME_BEARER_TOKEN": self.token}

    def set_webhook_secret(self, secret: str) -> None:
        """Signs webhooks with another secret, which the receiver then expects."""
        self.http.post("/v1/client/config/webhook_secret", {"webhook_secret": secret})
        self.webhooks.secret = secret

    def request(self, method: str, path: str, body: object = None, **query: object) -> Answer:
        """Calls Backbeat without the SDK; errors are answers too."""
        return self.http.request(method, path, body, query=query)

    def save(self, name: str = "default") -> None:
        """Saves the whole world under a name."""
        self.http.post("/mock/snapshot", {"name": name})

    def restore(self, name: str = "default") -> None:
        """Brings a saved world back, its clock included."""
        self.http.post("/mock/restore", {"name": name})

    def export(self) -> bytes:
        """Returns the whole world as a file that `load` takes, in this sandbox or another."""
        content: bytes = self.http.request("GET", "/mock/fixtures").raw
        return content

    def load(self, world: Path | str | bytes | Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Puts a world in the place of this one: a file, its content, or a fixture as a dictionary.

        Returns the ids of what a fixture made, by section and name.
        """
        content = world.read_bytes() if isinstance(world, Path) else world
        ids: dict[str, dict[str, str]] = self.http.post("/mock/fixtures", content)["data"]["ids"]
        return ids

    def state(self, entity: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Returns everything that is stored, by kind of thing."""
        told = self.http.get("/mock/state", entity=entity)["data"]["entities"]
        return dict(told)

    def reset(self) -> None:
        """Empties the sandbox and lets its clock follow the system again."""
        self.http.post("/mock/reset")
        if "webhooks" in self.__dict__:
            # The receiver goes on receiving; the new world has yet to know it.
            self.http.post("/webhooks/subscriptions", {"target": self.webhooks.url})

    def close(self) -> None:
        """Lets connections and the receiver go. The sandbox itself stays."""
        receiver: Webhooks | None = self.__dict__.pop("webhooks", None)
        if receiver is not None:
            receiver.close()
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()
        self.http.close()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
