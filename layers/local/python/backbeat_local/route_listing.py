"""The table that `backbeat routes` prints."""

from backbeat_local.template import Template


def route_listing(template: Template) -> str:
    """Returns one line per route: method, path, function; in order of path."""
    rows = routes_by_function(template)
    path_width = max((len(row["path"]) for row in rows), default=0)
    return "\n".join(
        f"{row['method']:7} {row['path']:{path_width}}  {row['function']}" for row in rows
    )


def routes_by_function(template: Template) -> list[dict[str, str]]:
    """Returns every route with the logical id of its function, in order of path."""
    rows = sorted(
        (route.path, route.method, function.logical_id)
        for function in template.functions.values()
        for route in function.routes
    )
    return [{"method": method, "path": path, "function": owner} for path, method, owner in rows]
