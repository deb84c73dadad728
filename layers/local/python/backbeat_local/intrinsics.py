"""CloudFormation's short tags and functions, as far as a local run needs their values."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import yaml

Node: TypeAlias = "str | int | float | bool | list[Node] | dict[str, Node] | None"
"""A YAML value. A function call is a dictionary of one key, such as `{"Fn::Sub": "..."}`."""

REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
STACK: Final = "backbeat"

_PSEUDO_PARAMETERS: Final[Mapping[str, str]] = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/local",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
_NO_VALUE: Final = object()
_PLACEHOLDER: Final = re.compile(r"\$\{(!?)([^}]+)\}")


class TemplateError(Exception):
    """The template says something that is wrong or that cannot run locally."""


# libyaml's loader reads a template in a tenth of the time; wheels have it on every usual platform.
_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc,valid-type]
    """A safe loader that also knows the short tags."""


def _construct_call(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Node:
    argument: Node
    if isinstance(node, yaml.ScalarNode):
        argument = str(loader.construct_scalar(node))
    elif isinstance(node, yaml.SequenceNode):
        argument = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        argument = {
            str(key): value for key, value in loader.construct_mapping(node, deep=True).items()
        }
    else:
        raise TemplateError(f"!{suffix} has no value that can be read")
    if suffix in ("Ref", "Condition"):
        return {suffix: argument}
    if suffix == "GetAtt" and isinstance(argument, str):
        resource, _, attribute = argument.partition(".")
        argument = [resource, attribute]
    return {f"Fn::{suffix}": argument}


_Loader.add_multi_constructor("!", _construct_call)


def parse(text: str) -> dict[str, Node]:
    """Returns the template as written, its functions not yet evaluated.

    Raises:
        TemplateError: the text is not YAML or not a mapping.
    """
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader by descent
    except yaml.YAMLError as error:
        raise TemplateError(f"not readable as YAML: {error}") from error
    if not isinstance(document, dict):
        raise TemplateError("not a mapping")
    return document


class Resolver:
    """Evaluates functions against the parameters, conditions and mappings of one template.

    Names and ARNs of resources come from `reference(logical id)` and
    `attribute(logical id, attribute)`.
    """

    def __init__(
        self,
        document: Mapping[str, Node],
        *,
        parameters: Mapping[str, str],
        reference: Callable[[str], str],
        attribute: Callable[[str, str], str],
    ) -> None:
        """Overrides declared parameters by `parameters`.

        Raises:
            TemplateError: a parameter has no value, or an override names none.
        """
        self._conditions = section(document, "Conditions")
        self._mappings = section(document, "Mappings")
        self._reference = reference
        self._attribute = attribute
        self._parameters = _parameter_values(section(document, "Parameters"), parameters)

    def value(self, node: Node) -> Node:
        """Returns `node` with every function in it evaluated.

        Raises:
            TemplateError: a function is unknown here or names something that does not exist.
        """
        result = self._evaluate(node)
        return None if result is _NO_VALUE else result  # type: ignore[return-value]

    def text(self, node: Node) -> str:
        """Returns the value as CloudFormation would put it into a string."""
        return as_text(self.value(node))

    def holds(self, condition: str) -> bool:
        """Returns whether the condition of that name is true."""
        if condition not in self._conditions:
            raise TemplateError(f"condition {condition} is not declared")
        return self._truth(self._conditions[condition])

    def _evaluate(self, node: Node) -> object:
        if isinstance(node, list):
            items = [self._evaluate(item) for item in node]
            return [item for item in items if item is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            name, argument = next(iter(node.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument)
        values = {key: self._evaluate(item) for key, item in node.items()}
        return {key: value for key, value in values.items() if value is not _NO_VALUE}

    def _call(self, name: str, argument: Node) -> object:
        match name:
            case "Ref":
                return self._ref(as_text(argument))
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::GetAtt":
                resource, attribute = (self.text(part) for part in _arguments(name, argument, 2))
                return self._attribute(resource, attribute)
            case "Fn::If":
                condition, then, otherwise = _arguments(name, argument, 3)
                return self._evaluate(then if self.holds(as_text(condition)) else otherwise)
            case "Fn::Join":
                separator, parts = _arguments(name, argument, 2)
                return as_text(separator).join(as_text(part) for part in self._items(name, parts))
            case "Fn::Select":
                index, items = _arguments(name, argument, 2)
                return self._items(name, items)[int(self.text(index))]
            case "Fn::Split":
                separator, text = _arguments(name, argument, 2)
                return self.text(text).split(as_text(separator))
            case "Fn::FindInMap":
                return self._find_in_map([self.text(key) for key in _arguments(name, argument, 3)])
            case "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not":
                return self._truth({name: argument})
            case _:
                raise TemplateError(f"{name} is not understood by the local runner")

    def _ref(self, name: str) -> object:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        if name in self._parameters:
            return self._parameters[name]
        return self._reference(name)

    def _sub(self, argument: Node) -> str:
        template, variables = argument, dict[str, Node]()
        if isinstance(argument, list):
            template, given = _arguments("Fn::Sub", argument, 2)
            variables = given if isinstance(given, dict) else {}

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return self.text(variables[name])
            if "." in name:
                return self._attribute(*name.split(".", 1))
            return as_text(self.value({"Ref": name}))

        return _PLACEHOLDER.sub(replacement, as_text(template))

    def _find_in_map(self, keys: list[str]) -> Node:
        found: Node = self._mappings
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise TemplateError(f"mapping {'.'.join(keys)} does not exist")
            found = found[key]
        return found

    def _items(self, name: str, node: Node) -> list[Node]:
        items = self.value(node)
        if not isinstance(items, list):
            raise TemplateError(f"{name} needs a list")
        return items

    def _truth(self, node: Node) -> bool:
        if not isinstance(node, dict) or len(node) != 1:
            raise TemplateError(f"{node!r} is not a condition")
        name, argument = next(iter(node.items()))
        match name:
            case "Condition":
                return self.holds(as_text(argument))
            case "Fn::Equals":
                left, right = _arguments(name, argument, 2)
                return self.text(left) == self.text(right)
            case "Fn::And" | "Fn::Or":
                branches = argument if isinstance(argument, list) else [argument]
                return (all if name == "Fn::And" else any)(map(self._truth, branches))
            case "Fn::Not":
                return not self._truth(_arguments(name, argument, 1)[0])
            case _:
                raise TemplateError(f"{name} is not a condition")


def section(document: Mapping[str, Node], name: str) -> dict[str, Node]:
    """Returns a mapping inside a mapping; empty when it is absent."""
    found = document.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise TemplateError(f"{name} is not a mapping")
    return found


def as_text(node: Node) -> str:
    """Returns a scalar as CloudFormation writes it: `true`, not `True`."""
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, dict | list):
        raise TemplateError(f"{node!r} stands where a text is needed")
    return "" if node is None else str(node)


def _arguments(name: str, argument: Node, count: int) -> list[Node]:
    if not isinstance(argument, list) or len(argument) != count:
        raise TemplateError(f"{name} needs a list of {count}")
    return argument


def _parameter_values(declared: Mapping[str, Node], overrides: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(set(overrides) - set(declared)):
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}")
    values = {}
    for name in declared:
        declaration = section(declared, name)
        if name in overrides:
            values[name] = overrides[name]
        elif "Default" in declaration:
            values[name] = as_text(declaration["Default"])
        else:
            raise TemplateError(f"parameter {name} has no default and no value was given")
        allowed = declaration.get("AllowedValues")
        if isinstance(allowed, list) and values[name] not in map(as_text, allowed):
            choices = ", ".join(map(as_text, allowed))
            raise TemplateError(f"parameter {name} is {values[name]!r}, not one of {choices}")
    return values
