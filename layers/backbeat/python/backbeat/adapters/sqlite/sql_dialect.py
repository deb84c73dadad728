"""Queries over usage events, put into SQLite's words.

`properties.<name>` becomes a column of that name; see `sql_rewriting` for the rest.
"""

from functools import lru_cache
from typing import ClassVar, NamedTuple

from sqlglot import exp, parse
from sqlglot.dialects.sqlite import SQLite
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.parsers.sqlite import SQLiteParser
from sqlglot.tokenizer_core import TokenType

from backbeat.adapters.sqlite.sql_rewriting import Rewriting
from backbeat.ports.sql import BadQuery


class Translation(NamedTuple):
    """A query for SQLite, and the properties it looks at in order of their first mention."""

    text: str
    properties: tuple[str, ...]


class _PlainParser(SQLiteParser):
    FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {"CAST": SQLiteParser.FUNCTION_PARSERS["CAST"]}
    NO_PAREN_FUNCTIONS: ClassVar = {}


class _Plain(SQLite):
    """SQLite's syntax, where a function is what it says and stands for no other one."""

    Parser = _PlainParser

    class Tokenizer(SQLite.Tokenizer):
        SINGLE_TOKENS: ClassVar = {
            **SQLite.Tokenizer.SINGLE_TOKENS,
            "≤": TokenType.LTE,
            "≥": TokenType.GTE,
            "≠": TokenType.NEQ,
        }


@lru_cache(maxsize=256)
def translate(text: str) -> Translation:
    """Returns the query in SQLite's words.

    Raises:
        BadQuery: it is not one query, or says something that cannot be computed exactly.
    """
    try:
        statements = parse(text, dialect=_Plain)
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise BadQuery("must be a SELECT")
        rewriting = Rewriting()
        tree = rewriting.rewritten(_named(statements[0]))
        words = tree.sql(dialect=SQLite, comments=False, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise BadQuery(_reason(error)) from error
    except RecursionError as error:
        raise BadQuery("is nested too deeply") from error
    return Translation(words, tuple(rewriting.properties))


def _reason(error: SqlglotError) -> str:
    for one in getattr(error, "errors", []):
        return f"{one['description']} (line {one['line']}, column {one['col']})"
    return str(error)


def _named(query: exp.Query) -> exp.Query:
    """Lets what a query answers go by its own words, not by those it is put into."""
    for selected in query.selects:
        if not isinstance(selected, exp.Alias | exp.Column | exp.Star):
            words = selected.sql(dialect=SQLite, comments=False)
            selected.replace(exp.alias_(selected.copy(), words, quoted=True))
    return query
