"""Backbeat's own OpenAPI document, and a page to read it. Both are public."""

import functools
import importlib.util
from pathlib import Path
from typing import Any

from backbeat import bootstrap
from backbeat.api.replies import Reply, document
from backbeat.api.requests import Visit
from backbeat.api.resolver import Api

api = Api("reference", bootstrap.services)

_HERE = Path(__file__).resolve().parent
_PLACES = (_HERE.parent, Path("/opt"))
"""Where the other functions lie: beside this one, or in AWS in a layer."""

_OF_SANDBOXES = ("demo", "sandbox")
"""Functions that only stages with sandboxes have."""


@api.route("GET", "/openapi.json", public=True)
def show_document(visit: Visit) -> Reply:
    """Returns the OpenAPI document of everything that is answered here."""
    return Reply(200, _described(sandbox=visit.services.sandbox))


@api.route("GET", "/reference", public=True)
def show_page(visit: Visit) -> Reply:
    """Returns a page that shows the document."""
    return document((_HERE / "reference.html").read_text(), content_type="text/html; charset=utf-8")


@functools.cache
def _described(*, sandbox: bool) -> dict[str, Any]:
    """Describes the functions by what each of them registers when it is imported."""
    from backbeat.api import openapi

    [place, *_] = [place for place in _PLACES if (place / "ingest" / "app.py").is_file()]
    files = sorted(place.glob("*/app.py"))
    apis = [found for file in files if (found := _api_of(file)) is not None]
    shown = [one for one in apis if sandbox or one.function not in _OF_SANDBOXES]
    return openapi.document(shown)


def _api_of(file: Path) -> Api | None:
    if file.parent == _HERE:
        return api
    spec = importlib.util.spec_from_file_location(f"described.{file.parent.name}", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, "api", None)


handler = api.handler
