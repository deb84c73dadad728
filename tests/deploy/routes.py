"""Creates the routes that MiniStack leaves out: it ignores the OpenAPI body of an HTTP API.

They are read from the template as CloudFormation holds it after the SAM transform, so what is
called afterwards is what SAM made of template.yaml, not a second list.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

_METHODS = {"x-amazon-apigateway-any-method": "ANY"}
_FUNCTION = re.compile(r"functions/\$\{(\w+)\.Arn\}/invocations")


def create_routes(stack: str) -> tuple[str, int]:
    """Routes the stack's HTTP API to its functions.

    Returns:
        The API's id and the number of routes made.
    """
    formation = boto3.client("cloudformation")
    template: Any = formation.get_template(StackName=stack, TemplateStage="Processed")
    deployed = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in formation.describe_stack_resources(StackName=stack)["StackResources"]
    }
    api = template["TemplateBody"]["Resources"]["HttpApi"]["Properties"]["Body"]
    routes = {
        key: function for key, function in _routes(api["paths"]) if function in deployed
    }  # The functions of a condition that does not hold are not deployed.
    gateway = boto3.client("apigatewayv2")
    functions = boto3.client("lambda")
    targets = {
        function: gateway.create_integration(
            ApiId=deployed["HttpApi"],
            IntegrationType="AWS_PROXY",
            IntegrationUri=functions.get_function_configuration(FunctionName=deployed[function])[
                "FunctionArn"
            ],
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for function in sorted(set(routes.values()))
    }
    for key, function in routes.items():
        gateway.create_route(
            ApiId=deployed["HttpApi"], RouteKey=key, Target=f"integrations/{targets[function]}"
        )
    return deployed["HttpApi"], len(routes)


def _routes(paths: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields route keys ("GET /health") with the logical id of the function that answers."""
    for path, methods in paths.items():
        for method, operation in _held(methods).items():
            integration = _held(operation)["x-amazon-apigateway-integration"]
            found = _FUNCTION.search(_held(integration["uri"])["Fn::Sub"])
            if found is None:
                raise ValueError(f"{method} {path} has no function behind it")
            yield f"{_METHODS.get(method, method.upper())} {path}", found[1]


def _held(value: Any) -> Any:
    """Returns what stands there when the condition around it, if there is one, holds."""
    return value["Fn::If"][1] if set(value) == {"Fn::If"} else value
