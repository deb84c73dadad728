"""Queries over usage events, put into SQLite's words.

`properties.<name>` becomes a column of that name, `LATEST(x)` and `EARLIEST(x)` are given the time
they go by, and types and literals that SQLite reads differently become texts.
"""

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\])
    | (?P<gap>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<sign>[<>!=]=|<>|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)
_PROPERTIES: Final = "PROPERTIES"
_BY_TIME: Final = {"LATEST", "EARLIEST"}
_TIME: Final = "timestamp"
_TEXT_TYPES: Final = {"STRING", "TIMESTAMP", "DATETIME", "DATE"}
"""Types whose values are texts here; to SQLite these names would mean numbers."""
_SIGNS: Final = {"≤": "<=", "≥": ">=", "≠": "!="}


class Translation(NamedTuple):
    """A query for SQLite, and the properties it looks at in order of their first mention."""

    text: str
    properties: tuple[str, ...]


class _Token(NamedTuple):
    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.upper() in words

    def is_sign(self, sign: str) -> bool:
        return self.kind == "sign" and self.text == sign


_NOTHING: Final = _Token("", "")


def column_of(name: str) -> str:
    """Returns the column that holds a property."""
    return f"properties.{name}"


def property_of(column: str) -> str:
    """Returns a property's own name for its column, and every other column as it is."""
    return column.removeprefix("properties.")


def quoted(name: str) -> str:
    """Returns an identifier that stands for exactly this name."""
    return '"' + name.replace('"', '""') + '"'


def translate(text: str) -> Translation:
    """Returns the query in SQLite's words."""
    tokens = [
        _Token(str(match.lastgroup), _SIGNS.get(match.group(), match.group()))
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "gap"
    ]
    tokens, names = _with_columns(tokens)
    tokens = _with_times(_with_texts(tokens))
    return Translation(" ".join(token.text for token in tokens), names)


def _with_columns(tokens: list[_Token]) -> tuple[list[_Token], tuple[str, ...]]:
    names: dict[str, None] = {}
    out: list[_Token] = []
    place = 0
    while place < len(tokens):
        token, dot, name = (*tokens[place : place + 3], _NOTHING, _NOTHING)[:3]
        if token.is_word(_PROPERTIES) and dot.is_sign(".") and name.kind in ("word", "quoted"):
            wanted = name.text if name.kind == "word" else _unquoted(name.text)
            names[wanted] = None
            out.append(_Token("quoted", quoted(column_of(wanted))))
            place += 3
        else:
            out.append(token)
            place += 1
    return out, tuple(names)


def _with_texts(tokens: list[_Token]) -> list[_Token]:
    out: list[_Token] = []
    casts: list[bool] = []
    for number, token in enumerate(tokens):
        following = tokens[number + 1] if number + 1 < len(tokens) else _NOTHING
        if token.is_sign("("):
            casts.append(bool(out) and out[-1].is_word("CAST"))
        elif token.is_sign(")") and casts:
            casts.pop()
        elif token.is_word(*_TEXT_TYPES):
            if following.kind == "text":
                continue  # TIMESTAMP '2025-01-01 00:00:00'
            if casts and casts[-1] and out[-1].is_word("AS"):
                token = _Token("word", "TEXT")  # CAST(x AS TIMESTAMP)
        out.append(token)
    return out


def _with_times(tokens: list[_Token]) -> list[_Token]:
    """Gives LATEST and EARLIEST of one argument the event's timestamp as the second."""
    out: list[_Token] = []
    open_calls: list[bool] = []
    for token in tokens:
        if token.is_sign("("):
            open_calls.append(bool(out) and out[-1].is_word(*_BY_TIME))
        elif token.is_sign(",") and open_calls:
            open_calls[-1] = False
        elif token.is_sign(")") and open_calls and open_calls.pop():
            out += [_Token("sign", ","), _Token("word", _TIME)]
        out.append(token)
    return out


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"')
