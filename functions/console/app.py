"""The console: pages for people over the same API that everybody else calls."""

from pathlib import Path

from backbeat import bootstrap
from backbeat.api.replies import Reply
from backbeat.api.requests import Visit
from backbeat.api.resolver import Api
from backbeat.api.static_files import StaticPages

api = Api("console", bootstrap.services)

_pages = StaticPages(Path(__file__).resolve().parent / "static", "/console")


@api.route("GET", "/", public=True)
def show_root(visit: Visit) -> Reply:
    """Sends people who open the bare address to the console."""
    del visit
    return Reply(302, headers={"location": "/console"})


@api.route("GET", "/console", public=True)
def show_console(visit: Visit) -> Reply:
    """Returns the console's page."""
    return _pages.page(visit)


@api.route("GET", "/console/{path+}", public=True)
def show_console_place(visit: Visit) -> Reply:
    """Returns what the console loads; every other place in it is the same page."""
    return _pages.below(visit)


handler = api.handler
