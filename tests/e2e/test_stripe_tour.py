"""The tour of the Stripe double, as its README tells it, over HTTP."""

import contextlib
import io
import os
import re
import uuid
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "layers/mock_stripe/README.md").read_text()


@pytest.mark.skipif(
    "BACKBEAT_E2E_BASE_URL" in os.environ, reason="the tour is written for the local server"
)
def test_the_tour_says_what_it_prints(base_url: str) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
    code = code.replace("http://127.0.0.1:3000", base_url)
    code = code.replace("sk_test_tour", f"sk_test_{uuid.uuid4()}")
    said = [line.partition("  # ")[2] for line in code.splitlines() if line.startswith("print(")]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert printed.getvalue().splitlines() == said
    assert len(said) == 3
