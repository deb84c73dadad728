"""What an operation answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from backbeat.api import json


@dataclass(frozen=True)
class Reply:
    """Status and body. `body` None is an empty body, bytes are sent as they are, else JSON."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @cached_property
    def text(self) -> str:
        """The JSON that is sent; empty for a body that is empty or bytes. It is made once."""
        if self.body is None or isinstance(self.body, bytes):
            return ""
        return json.dumps(self.body)


def ok(data: object) -> Reply:
    """Returns 200 with the data in its envelope."""
    return Reply(200, {"data": data})


def page(data: object, next_page: str | None) -> Reply:
    """Returns 200 with one page of a list."""
    return Reply(200, {"data": data, "next_page": next_page})


def empty() -> Reply:
    """Returns 200 with an empty body."""
    return Reply(200)


def pdf(document: bytes, *, name: str) -> Reply:
    """Returns 200 with a PDF document that browsers show and save under a name."""
    headers = {"content-disposition": f'inline; filename="{name}.pdf"'}
    return Reply(200, document, headers, content_type="application/pdf")


def file(content: bytes, *, name: str, content_type: str) -> Reply:
    """Returns 200 with a file that is saved under a name."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Reply(200, content, headers, content_type=content_type)


def document(text: str, *, content_type: str) -> Reply:
    """Returns 200 with a text to show."""
    return Reply(200, text.encode(), content_type=content_type)
