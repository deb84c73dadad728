"""Every item of the conformance checklist has its test, and every such test its item."""

import ast
import re
from pathlib import Path

from tests.integration.conformance import ITEMS

HERE = Path(__file__).parent


def test_every_item_has_a_test() -> None:
    found: list[int] = []
    for path in sorted(HERE.glob("test_conformance_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                number = re.match(r"test_conformance_(\d+)_", node.name)
                found += [int(number[1])] if number else []
    assert sorted(found) == sorted(ITEMS)
