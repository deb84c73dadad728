"""The dependency rule and the other rules that hold for every module, read from the source."""

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = {
    "backbeat": ROOT / "layers/backbeat/python",
    "backbeat_client": ROOT / "layers/client/python",
    "backbeat_local": ROOT / "layers/local/python",
    "mock_stripe": ROOT / "layers/mock_stripe/python",
}

OURS = {
    "backbeat.models": (),
    "backbeat.domain": ("backbeat.models",),
    "backbeat.ports": ("backbeat.models",),
    "backbeat.persistence": ("backbeat.models", "backbeat.ports"),
    "backbeat.application": (
        "backbeat.domain",
        "backbeat.models",
        "backbeat.persistence",
        "backbeat.ports",
    ),
    "backbeat.adapters": ("backbeat.models", "backbeat.ports"),
    "backbeat.api": ("backbeat.application", "backbeat.models", "backbeat.ports"),
    "backbeat.config": (),
    "backbeat.observability": (),
    "backbeat.bootstrap": (
        "backbeat.adapters",
        "backbeat.application",
        "backbeat.config",
        "backbeat.domain",
        "backbeat.models",
        "backbeat.observability",
        "backbeat.persistence",
        "backbeat.ports",
    ),
    # Models are the vocabulary that application and api speak in: what they return, and the errors.
    "functions": ("backbeat.api", "backbeat.application", "backbeat.bootstrap", "backbeat.models"),
    "functions.mock_stripe": (
        "backbeat.application",
        "backbeat.bootstrap",
        "backbeat.models",
        "mock_stripe",
    ),
    "mock_stripe": (
        "backbeat.domain.signing",
        "backbeat.models.errors",
        "backbeat.models.money",
        "backbeat.models.period",
        "backbeat.persistence",
        "backbeat.ports",
    ),
    # It runs in other people's programs.
    "backbeat_client": (),
    "backbeat_local": ("backbeat", "mock_stripe"),
}
"""What of ours each package may import, beside itself."""

THEIRS = {
    "backbeat_client": ("httpx",),
    "backbeat.models": ("pydantic",),
    "backbeat.domain": (),
    "backbeat.ports": (),
    "backbeat.persistence": ("msgspec",),
    "backbeat.application": ("msgspec",),
    "backbeat.adapters.aws": ("boto3", "botocore", "mypy_boto3_*"),
    "backbeat.adapters.http": ("urllib3",),
    "backbeat.adapters.metronome": ("metronome",),
    "backbeat.adapters.sqlite": ("msgspec",),
    "backbeat.adapters.sqlite.sql_dialect": ("sqlglot",),
    "backbeat.adapters.sqlite.sql_rewriting": ("sqlglot",),
    "backbeat.adapters.stripe": ("stripe",),
    "backbeat.adapters": (),
    "backbeat.api": ("aws_lambda_powertools", "msgspec", "pydantic"),
    "backbeat.api.views.pdf": ("reportlab",),
    "backbeat.api.yaml_text": ("yaml",),
    "backbeat.config": ("pydantic",),
    "backbeat.observability": ("aws_lambda_powertools",),
    "backbeat.bootstrap": (),
    "functions": ("aws_lambda_powertools",),
    # An example of a customer's own app.
    "functions.demo": ("metronome",),
    "mock_stripe": ("msgspec", "pydantic"),
    "backbeat_local": ("*",),
}
"""The third-party packages of each package; the most specific entry counts."""

ONLY_IN = {
    "boto3": "backbeat.adapters.aws",
    "botocore": "backbeat.adapters.aws",
    "reportlab": "backbeat.api.views.pdf",
    "stripe": "backbeat.adapters.stripe",
    "sqlite3": "backbeat.adapters.sqlite",
}
"""Packages that one place imports and no other, the local runner included."""

EXPENSIVE = ("backbeat.adapters.aws", "backbeat.adapters.metronome", "backbeat.adapters.stripe")
"""Adapters whose SDKs take long to import: only a function that needs them imports them."""

IMPURE = {
    "asyncio", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys",
    "tempfile", "threading", "time", "urllib",
}  # fmt: skip
"""Standard library of clocks, randomness, input and output: not for models, domain and ports."""

WALL_CLOCK = {
    "backbeat.adapters.clock": "the clock itself",
    "backbeat.adapters.sqlite.queue": "a default; delays of a queue are in real time by contract",
    "backbeat_client.events": "usage that a program tells of happens now",
    "backbeat_local.http_events": "stands for API Gateway, which stamps each request",
}
"""The modules that may ask what time it is, and why."""

WRITES_FLOATS = {"backbeat.api.json": "JSON numbers are written there and nowhere else"}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "data", "info", "process"}

HEADINGS = ("Owns:", "Does not own:", "Times:", "Invariants:")


@dataclass(frozen=True)
class Module:
    """One source file by its dotted name; functions are `functions.<name>.<file>`."""

    name: str
    tree: ast.Module


@dataclass(frozen=True)
class Import:
    """What is imported where. `lazy` imports run inside a function."""

    name: str
    line: int
    lazy: bool


Rule = Callable[[Module], list[str]]


def source_files() -> Iterator[tuple[str, Path]]:
    for directory in LAYERS.values():
        for path in sorted(directory.rglob("*.py")):
            parts = path.relative_to(directory).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path
    for path in sorted((ROOT / "functions").rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts), path


MODULES = [Module(name, ast.parse(path.read_text())) for name, path in source_files()]
NAMES = {module.name for module in MODULES}


def imports(module: Module) -> Iterator[Import]:
    """Yields all imports, in conditions, functions and for type checking too."""
    lazy = {
        id(node)
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in lazy)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            for alias in node.names:
                # `from backbeat import config` imports a module, `from x import f` what is in one.
                submodule = f"{origin}.{alias.name}"
                name = "." * node.level + (submodule if submodule in NAMES else origin)
                yield Import(name, node.lineno, id(node) in lazy)


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def entry_of(name: str, table: Iterable[str]) -> str | None:
    """Returns the most specific package of a table that a module belongs to."""
    return max((package for package in table if is_in(name, package)), key=len, default=None)


def unit_of(name: str) -> str:
    """Returns the part of the tree whose modules may import each other freely."""
    parts = name.split(".")
    if parts[0] == "functions" or parts[:2] == ["backbeat", "adapters"]:
        return ".".join(parts[: 2 if parts[0] == "functions" else 3])
    return ".".join(parts[: 2 if parts[0] == "backbeat" else 1])


def is_ours(name: str) -> bool:
    return name.split(".")[0] in {*LAYERS, "functions"}


def wrong_own_imports(module: Module) -> list[str]:
    package = entry_of(module.name, OURS)
    allowed = (unit_of(module.name), *OURS[package or ""]) if package else ()
    return [
        f"{module.name}:{found.line} imports {found.name}"
        for found in imports(module)
        if found.name.startswith(".")
        or (is_ours(found.name) and not any(is_in(found.name, one) for one in allowed))
    ]


def wrong_foreign_imports(module: Module) -> list[str]:
    package = entry_of(module.name, THEIRS)
    allowed = THEIRS[package] if package else ()
    problems = []
    for found in imports(module):
        top = found.name.split(".")[0]
        if is_ours(top) or found.name.startswith("."):
            continue
        if top not in sys.stdlib_module_names and not any(
            re.fullmatch(pattern.replace("*", ".*"), top) for pattern in allowed
        ):
            problems.append(f"{module.name}:{found.line} imports {top}")
        if top in ONLY_IN and not is_in(module.name, ONLY_IN[top]):
            problems.append(f"{module.name}:{found.line} imports {top}")
    return problems


def impure_imports(module: Module) -> list[str]:
    if not any(is_in(module.name, f"backbeat.{pure}") for pure in ("models", "domain", "ports")):
        return []
    return [
        f"{module.name}:{found.line} imports {found.name}"
        for found in imports(module)
        if found.name.split(".")[0] in IMPURE
    ]


def eager_imports(module: Module) -> list[str]:
    return [
        f"{module.name}:{found.line} imports {found.name} when it is imported"
        for found in imports(module)
        if not found.lazy
        for adapter in EXPENSIVE
        if is_in(found.name, adapter) and not is_in(module.name, adapter)
    ]


def clock_readings(module: Module) -> list[str]:
    return [
        f"{module.name}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if (
            isinstance(node, ast.Attribute)
            and re.fullmatch(
                r"(datetime\.)?(datetime|date)\.(now|utcnow|today)|time\.time(_ns)?",
                ast.unparse(node),
            )
        )
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "time"
            and {alias.name for alias in node.names} & {"time", "time_ns"}
        )
    ]


def random_ids(module: Module) -> list[str]:
    """Finds identities made from the clock or from randomness where only derived ones belong."""
    if not any(is_in(module.name, f"backbeat.{pure}") for pure in ("models", "domain", "ports")):
        return []
    return [
        f"{module.name}:{node.lineno} {name}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute | ast.ImportFrom)
        for name in _names(node)
        if name in {"uuid1", "uuid4", "uuid6", "uuid7"}
    ]


def _names(node: ast.Attribute | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [node.attr]
    return [alias.name for alias in node.names]


def float_calls(module: Module) -> list[str]:
    return [
        f"{module.name}:{node.lineno} {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
    ]


def forbidden_names(module: Module) -> list[str]:
    return [
        module.name
        for part in module.name.split(".")
        if FORBIDDEN_NAMES & {part, *part.strip("_").split("_")}
    ]


def missing_headings(module: Module) -> list[str]:
    if not is_in(module.name, "backbeat.domain") or _is_empty(module):
        return []
    text = ast.get_docstring(module.tree) or ""
    # In this order: each is looked for behind the one before.
    place, missing = 0, []
    for heading in HEADINGS:
        found = text.find(heading, place)
        if found < 0:
            missing.append(f"{module.name} has no {heading}")
        else:
            place = found + len(heading)
    return missing


def _is_empty(module: Module) -> bool:
    """Tells whether there is nothing but a docstring, as in a package's own file."""
    return len(module.tree.body) <= 1


RULES: list[Rule] = [
    wrong_own_imports,
    wrong_foreign_imports,
    impure_imports,
    eager_imports,
    random_ids,
    forbidden_names,
    missing_headings,
]


def test_everything_is_looked_at() -> None:
    known = {entry_of(name, OURS) for name in NAMES if name != "backbeat"}
    assert None not in known, "a package without a rule"
    assert {"backbeat.domain", "backbeat.api", "functions", "backbeat_local"} <= known
    assert "functions.ingest.app" in NAMES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_module_breaks_the_rule(rule: Rule) -> None:
    assert [problem for module in MODULES for problem in rule(module)] == []


def test_only_the_clock_asks_for_the_time() -> None:
    readings = {module.name: found for module in MODULES if (found := clock_readings(module))}
    assert readings.keys() == WALL_CLOCK.keys(), readings


def test_no_number_becomes_a_float() -> None:
    calls = {module.name: found for module in MODULES if (found := float_calls(module))}
    assert calls.keys() <= WRITES_FLOATS.keys(), calls


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (wrong_own_imports, "backbeat.models.x", "from backbeat.domain import periods"),
        (wrong_own_imports, "backbeat.domain.x", "from backbeat.ports.clock import Clock"),
        (wrong_own_imports, "backbeat.domain.x", "import backbeat.adapters.clock"),
        (wrong_own_imports, "backbeat.domain.x", "from . import periods"),
        (wrong_own_imports, "backbeat.persistence.x", "from backbeat.domain import periods"),
        (wrong_own_imports, "backbeat.application.x", "from backbeat import bootstrap"),
        (wrong_own_imports, "backbeat.application.x", "def f():\n from backbeat.api import json"),
        (wrong_own_imports, "backbeat.adapters.http", "from backbeat.adapters.clock import X"),
        (wrong_own_imports, "backbeat.adapters.aws.x", "from backbeat.application import usage"),
        (wrong_own_imports, "backbeat.api.x", "from backbeat.domain import signing"),
        (wrong_own_imports, "backbeat.api.x", "from backbeat.persistence import keys"),
        (wrong_own_imports, "backbeat.api.x", "if TYPE_CHECKING:\n import backbeat_local.cli"),
        (wrong_own_imports, "functions.usage.app", "from backbeat.persistence import keys"),
        (wrong_own_imports, "functions.usage.app", "from functions.ingest import app"),
        (wrong_own_imports, "mock_stripe.x", "from backbeat.domain import rating"),
        (wrong_foreign_imports, "backbeat.application.x", "import aws_lambda_powertools.logging"),
        (wrong_foreign_imports, "backbeat.domain.x", "import pydantic"),
        (wrong_foreign_imports, "backbeat.adapters.http", "import boto3"),
        (wrong_foreign_imports, "backbeat.api.views.x", "from reportlab.lib import units"),
        (wrong_foreign_imports, "backbeat.adapters.aws.x", "import sqlite3"),
        (wrong_foreign_imports, "backbeat_local.x", "from botocore.config import Config"),
        (impure_imports, "backbeat.domain.x", "import random"),
        (impure_imports, "backbeat.models.x", "from urllib.parse import quote"),
        (eager_imports, "backbeat.bootstrap", "from backbeat.adapters.aws.sqs import SqsQueue"),
        (random_ids, "backbeat.domain.x", "from uuid import uuid4"),
        (random_ids, "backbeat.domain.x", "import uuid\nuuid.uuid4()"),
        (forbidden_names, "backbeat.domain.date_utils", ""),
        (forbidden_names, "backbeat.helpers.dates", ""),
        (missing_headings, "backbeat.domain.x", '"""X.\n\nOwns: y. Times: UTC."""\nx = 1'),
        (clock_readings, "backbeat.domain.x", "now = datetime.now(UTC)"),
        (clock_readings, "backbeat.domain.x", "f(default=time.time)"),
        (clock_readings, "backbeat.domain.x", "from time import time"),
        (float_calls, "backbeat.domain.x", "x = float(price)"),
    ],
)
def test_each_rule_can_be_broken(rule: Rule, name: str, source: str) -> None:
    assert rule(Module(name, ast.parse(source))) != []


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (wrong_own_imports, "backbeat.domain.x", "from backbeat.domain.rates import rate_at"),
        (wrong_own_imports, "backbeat.adapters.aws.x", "from backbeat.adapters.aws import sqs"),
        (wrong_own_imports, "backbeat_local.x", "from backbeat.adapters.clock import SystemClock"),
        (wrong_own_imports, "mock_stripe.x", "from backbeat.domain.signing import sign"),
        (wrong_foreign_imports, "backbeat.adapters.aws.x", "import mypy_boto3_sqs, boto3, json"),
        (wrong_foreign_imports, "backbeat.api.views.pdf", "from reportlab.lib import units"),
        (wrong_foreign_imports, "backbeat.adapters.sqlite.sql_x", "import sqlite3"),
        (eager_imports, "backbeat.bootstrap", "def f():\n import backbeat.adapters.aws.sqs"),
        (clock_readings, "backbeat.domain.x", "now = clock.now()"),
    ],
)
def test_what_is_allowed(rule: Rule, name: str, source: str) -> None:
    assert rule(Module(name, ast.parse(source))) == []


def test_starting_the_local_runner_imports_no_expensive_sdk() -> None:
    # Everything `backbeat serve` imports before its first answer, with all functions loaded.
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from backbeat import bootstrap
        from backbeat_local import cli, gateway, runner
        from backbeat_local.functions import Function
        from backbeat_local.template import load_template

        for spec in load_template(Path("template.yaml")).functions.values():
            Function(spec).load()
        bootstrap.services()
        expensive = {
            "boto3", "botocore.session", "metronome", "reportlab", "sqlglot", "stripe"
        }
        print(sorted(expensive & sys.modules.keys()))
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"BACKBEAT_STATE": ":memory:", "PATH": "", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.stdout, ran.returncode) == ("[]\n", 0), ran.stderr
