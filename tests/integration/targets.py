"""Webhook targets without a network."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backbeat.ports.http import HttpFailure, HttpReply

Answer = int | HttpFailure | Callable[[], int]


@dataclass(frozen=True, slots=True)
class Post:
    """One POST as a target got it; header names in lower case."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Targets:
    """Implements `Http`: keeps every POST, and answers each URL with what is next in its list."""

    posts: list[Post] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    down: set[str] = field(default_factory=set)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        assert timeout_seconds == 10
        self.posts.append(Post(url, {name.lower(): v for name, v in headers.items()}, body))
        if url in self.down:
            raise HttpFailure("connection refused")
        answer = self.answers[url].pop(0) if self.answers[url] else 200
        if isinstance(answer, HttpFailure):
            raise answer
        return HttpReply(answer if isinstance(answer, int) else answer(), b"")

    def events(self, url: str) -> list[dict[str, Any]]:
        """Returns the events a target was sent, in order, failed attempts included."""
        return [post.event for post in self.posts if post.url == url]
