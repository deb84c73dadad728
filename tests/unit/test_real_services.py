"""The billing handlers act at whatever providers are configured, and know of no doubles."""

import ast
from pathlib import Path

import pytest

import backbeat

PACKAGE = Path(backbeat.__file__).parent
HANDLERS = sorted(
    file
    for place in (
        "application/handlers",
        "application/intake",
        "application/connections.py",
        "adapters/metronome",
        "adapters/stripe",
        "domain/tiers",
    )
    for file in ([PACKAGE / place] if place.endswith(".py") else (PACKAGE / place).rglob("*.py"))
)
KNOWS_OF_DOUBLES = ("mock", "double", "emulator", "sandbox")


def names_in(source: str) -> set[str]:
    """Returns every name and attribute that code uses; what it says in words does not count."""
    tree = ast.parse(source)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize("file", HANDLERS, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_branch_asks_whether_a_provider_is_real(file: Path) -> None:
    known = {
        name
        for name in names_in(file.read_text())
        if any(word in name.lower() for word in KNOWS_OF_DOUBLES)
    }
    # Whose call it is, a sandbox's or not, is asked in one place for every function.
    assert known <= {"sandboxes"}


def test_the_check_can_fail() -> None:
    assert "sandbox" in names_in("if call.services.sandbox: pass")
