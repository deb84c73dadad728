"""Pages without a build step: a directory of files, served as it lies.

What a page loads is addressed by a digest of the whole directory, so browsers keep it for good and
never mix two versions; the page itself is asked for each time, and mostly answered with a 304.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from backbeat.api.replies import Reply
from backbeat.api.requests import Visit

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""Files of other kinds are not served."""

_ASSETS: Final = "assets"
_PLACEHOLDER: Final = "{assets}"
"""Stands in a page for the path of its files."""

_KEPT: Final = "public, max-age=31536000, immutable"
_ASKED: Final = "no-cache"

_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
)
"""Nothing is loaded from, or sent to, any other origin, and no page runs a script of its text."""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    packed: bytes
    content_type: str


class StaticPages:
    """The pages of a directory and what they load, mounted at a path such as `/console`."""

    def __init__(self, directory: Path, mount: str, *, framed_by: str = "'none'") -> None:
        """Takes who may show the pages in a frame, in the words of a content security policy."""
        self._directory = directory
        self._mount = mount
        self._framed_by = framed_by

    def page(
        self, visit: Visit, name: str = "index.html", *, framed_by: str | None = None
    ) -> Reply:
        """Returns one of the pages, or 304 for a browser that has it."""
        return self._asked(visit, self._pages[name], framed_by)

    def script(self, visit: Visit, name: str) -> Reply:
        """Returns a script that other pages load by a name that stays the same."""
        return self._asked(visit, self._files[name])

    def below(self, visit: Visit) -> Reply:
        """Returns a file that a page loads; any other path is one of the page's own places."""
        place = visit.path.removeprefix(f"{self._mount}/")
        if not place.startswith(f"{_ASSETS}/"):
            return self.page(visit)
        found = self._files.get(place.removeprefix(f"{_ASSETS}/{self._digest}/"))
        if found is None:
            return Reply(404, {"code": "NotFound", "message": f"No file at {visit.path}"})
        return _sent(found, visit, self._headers(_KEPT))

    def _asked(self, visit: Visit, file: _File, framed_by: str | None = None) -> Reply:
        tag = f'"{self._digest}"'
        headers = self._headers(_ASKED, framed_by, etag=tag)
        if visit.headers.get("if-none-match") in (tag, f"W/{tag}"):
            # A browser takes the headers of a 304 for those of what it has: the type, too.
            return Reply(304, None, headers, content_type=file.content_type)
        return _sent(file, visit, headers)

    def _headers(self, caching: str, framed_by: str | None = None, **more: str) -> dict[str, str]:
        ancestors = f"frame-ancestors {framed_by or self._framed_by}"
        return {
            "cache-control": caching,
            "content-security-policy": "; ".join((*_POLICY, ancestors)),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "vary": "accept-encoding",
            **more,
        }

    @cached_property
    def _sources(self) -> Mapping[str, bytes]:
        files: Iterable[Path] = sorted(self._directory.rglob("*"))
        return {
            file.relative_to(self._directory).as_posix(): file.read_bytes()
            for file in files
            if file.suffix in _TYPES
        }

    @cached_property
    def _digest(self) -> str:
        told = sha256()
        for name, content in self._sources.items():
            told.update(f"{name} {len(content)}\n".encode() + content)
        return told.hexdigest()[:16]

    @cached_property
    def _files(self) -> Mapping[str, _File]:
        return {name: _file(name, content) for name, content in self._sources.items()}

    @cached_property
    def _pages(self) -> Mapping[str, _File]:
        assets = f"{self._mount}/{_ASSETS}/{self._digest}"
        return {
            name: _file(name, content.decode().replace(_PLACEHOLDER, assets).encode())
            for name, content in self._sources.items()
            if name.endswith(".html")
        }


def _file(name: str, content: bytes) -> _File:
    # An HTTP API does not compress by itself.
    return _File(content, gzip.compress(content, mtime=0), _TYPES[Path(name).suffix])


def _sent(file: _File, visit: Visit, headers: dict[str, str]) -> Reply:
    if "gzip" in visit.headers.get("accept-encoding", ""):
        packed = {**headers, "content-encoding": "gzip"}
        return Reply(200, file.packed, packed, content_type=file.content_type)
    return Reply(200, file.content, headers, content_type=file.content_type)
