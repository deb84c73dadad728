"""Usage events on their way to a running Backbeat, tried again until they have arrived."""

import random
import re
import time
from collections.abc import Sequence
from typing import Any, Final

from backbeat_local.client import Answer, Http, Unreachable

AT_ONCE: Final = 100
"""Events of one request."""

_TRIES: Final = 8
_LONGEST_PAUSE_SECONDS: Final = 10.0
_INDEX: Final = re.compile(r"^\[(\d+)\]")

Event = dict[str, Any]


class Refusal(Exception):
    """The events are wrong and nothing of them was taken. `index` is that of the wrong one."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        found = _INDEX.match(message)
        self.index = None if found is None else int(found[1])


def send(http: Http, events: Sequence[Event]) -> None:
    """Sends up to 100 events; what had arrived already is not counted again.

    Raises:
        Refusal: one of them is wrong.
        Unreachable: nobody answers, or only with errors, however often it is tried.
    """
    for failed_tries in range(1, _TRIES + 1):
        try:
            answer = http.request("POST", "/v1/ingest", list(events))
        except Unreachable:
            # Whether it arrived or not: transaction ids make it safe to send it again.
            if failed_tries == _TRIES:
                raise
            _pause(failed_tries, None)
            continue
        if answer.status == 200:
            return
        if answer.status != 429 and answer.status < 500:
            raise Refusal(_message(answer))
        if failed_tries == _TRIES:
            raise Unreachable(f"{_TRIES} tries were answered {answer.status}: {_message(answer)}")
        _pause(failed_tries, answer.headers.get("retry-after"))


def _message(answer: Answer) -> str:
    body = answer.body
    return str(body.get("message", body) if isinstance(body, dict) else body)


def _pause(failed_tries: int, asked: str | None) -> None:
    longest = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**failed_tries)
    wait = random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, no secret
    if asked is not None and asked.isdigit():
        wait = min(_LONGEST_PAUSE_SECONDS, max(wait, int(asked)))
    time.sleep(wait)
