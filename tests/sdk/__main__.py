"""Runs the official SDK's own tests against Backbeat: `python -m tests.sdk VERSION...`.

They call every operation with made-up ids. Each call must end in an answer that the SDK's models
take strictly, or in a clean error. The tests come with the source distribution on the package
index; it is fetched into a directory that goes afterwards, and none of it is kept.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.e2e.server import ROOT, Server

_HERE = Path(__file__).parent


def main(versions: list[str]) -> int:
    """Returns 0 when all tests of all versions end as they should."""
    codes = [_run(version) for version in versions]
    return max(codes)


def _run(version: str) -> int:
    python = ROOT / ".tools" / f"sdk-{version}" / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="backbeat-sdk-") as name, Server("--memory") as server:
        source = _fetched(python, version, Path(name))
        if source is None:
            print(f"metronome-sdk {version} skipped: its tests cannot be fetched", flush=True)  # noqa: T201
            return 0
        print(f"metronome-sdk {version}", flush=True)  # noqa: T201
        done = subprocess.run(
            [
                *(str(python), "-m", "pytest", "tests/api_resources", "-q", "-p", "judge"),
                # A third client that makes the same calls, with a library of its own.
                *("-k", "not aiohttp"),
                *("-o", "addopts=", "-o", "asyncio_mode=auto", "--tb=short"),
                # The source's own modules would be imported instead of the ones installed.
                "--import-mode=append",
            ],
            cwd=source,
            env={
                **{name: value for name, value in os.environ.items() if "PYTEST" not in name},
                "PYTHONPATH": str(_HERE),
                "TEST_API_BASE_URL": server.url,
            },
            check=False,
        )
    return done.returncode


def _fetched(python: Path, version: str, directory: Path) -> Path | None:
    """Returns where the source of a version is, without its package; None without a network."""
    done = subprocess.run(
        [
            *(str(python), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-binary", ":all:", "--no-build-isolation"),
            *("--dest", str(directory), f"metronome-sdk=={version}"),
        ],
        check=False,
    )
    if done.returncode != 0:
        return None
    [archive] = directory.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        wanted = [one for one in packed.getmembers() if one.name.split("/")[1:2] == ["tests"]]
        packed.extractall(directory, members=wanted, filter="data")
    [source] = [path for path in directory.iterdir() if path.is_dir()]
    return source


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
