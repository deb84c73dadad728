"""Waiting between tries."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: each pause is drawn evenly between nothing and a bound that doubles.

    Writers that met once would meet again if they waited equally long.
    """

    tries: int = 8
    first_seconds: float = 0.025
    longest_seconds: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def pause(self, failed_tries: int) -> None:
        """Sleeps after the `failed_tries`-th failure in a row (from 1)."""
        bound = min(self.longest_seconds, self.first_seconds * 2 ** (failed_tries - 1))
        self.sleep(self.random() * bound)
