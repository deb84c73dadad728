"""The functions in this process on a fresh state file, at a time that the measurement sets.

What a billing run takes is told by this process's CPU time: no HTTP server, no load beside it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backbeat import bootstrap
from backbeat.config import Config
from backbeat_local.functions import Function
from backbeat_local.template import load_template
from tests.integration.product import Product, TestClock

TOKEN = "bench"
_TEMPLATE = Path(__file__).parents[2] / "template.yaml"


@dataclass(frozen=True)
class Stage:
    """A production stage. `clock` is its real time."""

    product: Product
    clock: TestClock

    def post(self, path: str, body: object) -> Any:
        """Makes a request, which must be a success, and returns what is in the envelope."""
        reply = self.product.post(path, body, token=TOKEN)
        if reply.status != 200:
            raise RuntimeError(f"POST {path}: {reply}")
        return reply.body["data"] if reply.body else None

    def get(self, path: str) -> Any:
        """Likewise."""
        return self.product.get(path, token=TOKEN).data

    def create(self, path: str, **body: object) -> str:
        """Creates something and returns its id."""
        created: str = self.post(path, body)["id"]
        return created


@contextmanager
def staged(at: datetime) -> Iterator[Stage]:
    """Opens a stage on an empty state file, which is removed afterwards."""
    template = load_template(_TEMPLATE)
    functions = {id_: Function(spec) for id_, spec in template.functions.items()}
    clock = TestClock(at)
    with tempfile.TemporaryDirectory(prefix="backbeat-bench-") as directory:
        config = Config.model_validate(
            {"BACKBEAT_STATE": f"{directory}/state.sqlite3", "BACKBEAT_TOKENS": "open"}
        )
        services = bootstrap.build(config, clock=clock)
        with bootstrap.using(services):
            yield Stage(Product(template, functions, services), clock)
