"""HTML that is put together from elements: whatever is not one is text, and escaped."""

from html import escape


class Html(str):
    """A piece of HTML. A plain text never becomes one but by `text`."""

    __slots__ = ()


_EMPTY = frozenset({"meta", "col"})
"""Elements without content, that have no end. Those of SVG have one: the next would lie inside."""


def text(value: str) -> Html:
    """Returns a text as HTML that shows it."""
    return Html(escape(value, quote=True))


def element(name: str, /, *content: str, **attributes: str) -> Html:
    """Returns an element. Content that is no `Html` is text; `class_` is the attribute `class`."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value, quote=True)}"'
        for key, value in attributes.items()
    )
    if name in _EMPTY:
        return Html(f"<{name}{given}>")
    inside = "".join(part if isinstance(part, Html) else text(part) for part in content)
    return Html(f"<{name}{given}>{inside}</{name}>")


def joined(*parts: Html) -> Html:
    """Returns pieces one after the other."""
    return Html("".join(parts))
