"""The table that `backbeat routes` prints."""

from backbeat_local.template import Template


def route_listing(template: Template) -> str:
    """Returns one line per route: method, path, function; in order of path."""
    rows = sorted(
        (route.path, route.method, function.logical_id)
        for function in template.functions.values()
        for route in function.routes
    )
    path_width = max((len(path) for path, _, _ in rows), default=0)
    return "\n".join(f"{method:7} {path:{path_width}}  {owner}" for path, method, owner in rows)
