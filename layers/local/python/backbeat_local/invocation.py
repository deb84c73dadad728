"""One call of one function, without a server."""

import json
from pathlib import Path

from backbeat_local.environment import applied, local_environment
from backbeat_local.functions import Function
from backbeat_local.intrinsics import Node
from backbeat_local.runner import kept_in, put_layers_on_path
from backbeat_local.template import Template


class UnknownFunction(Exception):
    """The template has no function of that name."""


def invoke_once(template: Template, logical_id: str, event: Node, state: Path) -> str:
    """Calls a function on the state in a directory and returns its reply as JSON text.

    Raises:
        UnknownFunction: no function has this logical id.
        CannotKeepState: the directory cannot be made or written to.
        LoadError: the function does not import.
        Exception: whatever the handler raises.
    """
    if logical_id not in template.functions:
        known = ", ".join(sorted(template.functions))
        raise UnknownFunction(f"{logical_id} is not a function of the template; there are {known}")
    with applied(local_environment(template, kept_in(state))):
        put_layers_on_path(template)
        reply = Function(template.functions[logical_id]).invoke(event)
        return json.dumps(reply, indent=2)
