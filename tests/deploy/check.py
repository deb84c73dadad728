"""`make deploy-check`: deploys template.yaml to an emulated AWS and works with what it deployed.

The stack is its own Metronome and Stripe: the main job runs through it, and its billing handlers
and its metering bill there.

What the emulator does not prove: AWS's own import of the HTTP API's OpenAPI body (see `routes`),
conditions in IAM policies, the table's expiry and recovery settings, limits, throttling, and how
long a cold start takes.
"""

import logging
import os
import platform
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import boto3
import urllib3
from tests.deploy.emulator import client_environment, running_emulator
from tests.deploy.processes import StepFailed, run_step
from tests.deploy.routes import create_routes

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / ".aws-sam" / "deploy-check"
_PYTHON_OF_SAM = str(ROOT / ".tools" / "sam" / "bin" / "python")
SAM = (_PYTHON_OF_SAM, str(Path(__file__).with_name("patient_sam.py")))
EMULATOR_PROGRAMS = ROOT / ".tools" / "ministack" / "bin"
TESTS = ("tests/e2e/test_main_job.py", "tests/e2e/test_own_providers.py")
STACK = "backbeat-deploy-check"

BUILD_SECONDS = 600
DEPLOY_SECONDS = 600
TOKEN_SECONDS = 60
FIRST_ANSWER_SECONDS = 60
TEST_SECONDS = 600

log = logging.getLogger("deploy-check")


def main() -> int:
    """Runs the check; returns the exit status of the process."""
    logging.basicConfig(format="deploy-check: %(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)
    # As an exception it passes through the blocks that end the child processes.
    signal.signal(signal.SIGTERM, _exit)
    os.chdir(ROOT)
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    started = time.monotonic()
    try:
        with running_emulator(EMULATOR_PROGRAMS, DIRECTORY) as endpoint:
            environment = client_environment(endpoint, EMULATOR_PROGRAMS)
            os.environ.clear()
            os.environ.update(environment)
            _deploy()
            try:
                _run_tests(endpoint)
            finally:
                _keep_function_logs()
    except StepFailed as failure:
        log.error("FAILED: %s; logs are in %s", failure, DIRECTORY.relative_to(ROOT))
        return 1
    finally:
        shutil.rmtree(DIRECTORY / "scratch", ignore_errors=True)
    log.info("passed in %.0f seconds", time.monotonic() - started)
    return 0


def _deploy() -> None:
    # Beside the caller's own build, which is for their architecture and account.
    build = DIRECTORY / "build"
    # The functions run on this machine's processor.
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    parameters = [
        f"Architecture={architecture}",
        *("Stage=test", "Sandbox=on", "Tokens=issued", "WebhookTargets=any"),
        *("MetronomeBaseUrl={own}", "StripeApiBase={own}/stripe"),
    ]
    # An empty one, so that the caller's settings do not apply.
    settings = DIRECTORY / "samconfig.toml"
    settings.write_text("version = 0.1\n")
    common = ["--config-file", str(settings), "--parameter-overrides", *parameters]
    log.info("building")
    with (DIRECTORY / "sam-build.log").open("wb") as output:
        run_step(
            [*SAM, "build", "--build-dir", str(build), *common],
            limit_seconds=BUILD_SECONDS,
            output=output,
        )
    log.info("deploying")
    with (DIRECTORY / "sam-deploy.log").open("wb") as output:
        run_step(
            [
                *(*SAM, "deploy", "--template-file", str(build / "template.yaml")),
                *("--stack-name", STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"),
                *("--no-confirm-changeset", "--no-progressbar"),
                *common,
            ],
            limit_seconds=DEPLOY_SECONDS,
            output=output,
        )


def _run_tests(endpoint: str) -> None:
    api, routes = create_routes(STACK)
    base_url = f"{endpoint}/_aws/execute-api/{api}"
    log.info("%d routes at %s", routes, base_url)
    _require_answer(f"{base_url}/health")
    os.environ["BACKBEAT_E2E_BASE_URL"] = base_url
    os.environ["BACKBEAT_E2E_TOKEN"] = _issue_token()
    _tell_own_address(base_url)
    run_step([sys.executable, "-m", "pytest", *TESTS], limit_seconds=TEST_SECONDS)


def _tell_own_address(base_url: str) -> None:
    """The stack wrote down the name that AWS would give it, which leads nowhere here."""
    boto3.client("ssm").put_parameter(
        Name="/backbeat/test/own_address", Value=base_url, Type="String", Overwrite=True
    )


def _require_answer(url: str) -> None:
    try:
        reply = urllib3.request("GET", url, retries=False, timeout=FIRST_ANSWER_SECONDS)
    except urllib3.exceptions.HTTPError as error:
        raise StepFailed(f"{url} gave no answer: {error}") from error
    if reply.status != 200:
        raise StepFailed(f"{url} answered {reply.status} {reply.data[:200]!r}")


def _issue_token() -> str:
    """Creates a token the way an operator does; it is the last word that the command prints."""
    os.environ["BACKBEAT_TABLE"] = _output("TableName")
    printed = DIRECTORY / "token.log"
    with printed.open("wb") as output:
        run_step(
            [str(Path(sys.executable).with_name("backbeat")), "token", "create"],
            limit_seconds=TOKEN_SECONDS,
            output=output,
        )
    return printed.read_text().split()[-1]


def _output(key: str) -> str:
    stack = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs: dict[str, str] = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    return outputs[key]


def _keep_function_logs() -> None:
    logs = boto3.client("logs")
    with (DIRECTORY / "functions.log").open("w") as file:
        for group in logs.describe_log_groups()["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            )
            for page in pages:
                file.writelines(f"{event['message'].rstrip()}\n" for event in page["events"])


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
