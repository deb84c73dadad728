"""Every command and every line of code in the README runs, and does what the README says."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:3000"

ELSEWHERE = {
    "make start": "run from a fresh clone by .ci/run",
    "make test": "run by .ci/run; it is what runs this",
    "sam build": "run by make deploy-check against an emulated AWS",
    "sam deploy --guided": "run by make deploy-check with its answers given",
    "BACKBEAT_TABLE=<TableName from the stack's outputs> .venv/bin/backbeat token create": (
        "run by make deploy-check"
    ),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def tour() -> list[str]:
    """Returns the pieces of the tour; what is a file of its own is run by the test kit's tests."""
    return [block for block in blocks("python") if not block.startswith("# test_")]


def sequences() -> list[list[str]]:
    """Returns the commands of each block, which belong together."""
    lines = [block.splitlines() for block in blocks("bash")]
    return [[line for line in some if line and not line.startswith("# ")] for some in lines]


def commands() -> list[str]:
    return [command for sequence in sequences() for command in sequence]


@pytest.mark.skipif(
    "BACKBEAT_E2E_BASE_URL" in os.environ, reason="the tour is written for the local server"
)
def test_the_tour_says_what_it_prints(base_url: str) -> None:
    code = "\n".join(tour()).replace(ADDRESS, base_url)
    code = code.replace('bearer_token="tour"', f'bearer_token="tour-{uuid.uuid4()}"')
    said = [line.partition("  # ")[2] for line in code.splitlines() if line.startswith("print(")]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102
    assert said
    assert printed.getvalue().splitlines() == said


@pytest.mark.parametrize("sequence", sequences(), ids=lambda sequence: sequence[0])
def test_commands_succeed(sequence: list[str], base_url: str, tmp_path: Path) -> None:
    token = str(uuid.uuid4())
    for command in sequence:
        if command in ELSEWHERE:
            continue
        words = shlex.split(
            command.replace(ADDRESS, base_url).replace("Bearer tour", f"Bearer {token}")
        )
        if words[0] == "curl":
            words[1:1] = ["--fail", "--silent"]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={
                **os.environ,
                "BACKBEAT_STATE": str(tmp_path),
                "BACKBEAT_URL": base_url,
                "BACKBEAT_TOKEN": token,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, (command, done.stderr, done.stdout)
        assert done.stdout, command


def test_only_commands_of_the_readme_are_excused() -> None:
    assert set(ELSEWHERE) <= set(commands())
