"""Queries in SQLite's syntax, rewritten so that what is computed with numbers is exact.

All that is a number is turned into an exact one (`sql_numbers`), and what is done with numbers into
functions on those. `LATEST(x)` and `EARLIEST(x)` are given the time they go by, and types whose
values are texts here become texts.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final

from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite

from backbeat.adapters.sqlite.sql_columns import PROPERTIES, column_of
from backbeat.adapters.sqlite.sql_numbers import decimal_of, encoded
from backbeat.ports.sql import BadQuery

_TEXT_COLUMNS: Final = {"event_type", "timestamp"}
_TIME: Final = "timestamp"

_ARITHMETIC: Final[dict[type[exp.Expr], str]] = {
    exp.Add: "exact_add",
    exp.Sub: "exact_subtract",
    exp.Mul: "exact_multiply",
    exp.Div: "exact_divide",
    exp.Mod: "exact_remainder",
}
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_REFUSED: Final = (
    exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.BitwiseLeftShift,
    exp.BitwiseRightShift, exp.IntDiv, exp.HexString, exp.Interval, exp.Placeholder, exp.Parameter,
)  # fmt: skip
_WHOLE_TYPES: Final = exp.DataType.INTEGER_TYPES
_NUMBER_TYPES: Final = {
    *exp.DataType.REAL_TYPES, exp.DataType.Type.DECIMAL, exp.DataType.Type.BIGDECIMAL,
    exp.DataType.Type.MONEY,
}  # fmt: skip

_OWN: Final = ("EXACT", "TYPEOF")
"""What the names of functions begin with that are for what is rewritten here alone."""
_NUMBERS: Final = {"ABS", "CEIL", "CEILING", "FLOOR", "ROUND", "SIGN", "SUM", "AVG", "JULIANDAY"}
"""Functions that answer an exact number, whatever they are given."""
_COUNTS: Final = {"COUNT", "LENGTH", "INSTR", "ROW_NUMBER", "RANK", "DENSE_RANK"}
"""Functions that answer an integer of SQLite's."""
_BY_TIME: Final = {"LATEST", "EARLIEST"}
_AS_GIVEN: Final = {
    *_BY_TIME, "MIN", "MAX", "COALESCE", "IFNULL", "GREATEST", "LEAST", "FIRST_VALUE",
    "LAST_VALUE", "LAG", "LEAD",
}  # fmt: skip
"""Functions that answer one of the values they are given."""
_PLACES: Final = {"SUBSTR": (1, 2), "SUBSTRING": (1, 2), "LAG": (1,), "LEAD": (1,)}
"""Which arguments are integers that SQLite counts by."""


class _Kind(Enum):
    """What is known of the values of an expression before it runs."""

    TEXT = auto()
    NUMBER = auto()
    TRUTH = auto()
    ANY = auto()


_Put = tuple[exp.Expr, _Kind]
"""An expression in SQLite's words, and what its values are."""


class Rewriting:
    """Rewrites a query from its leaves up, and collects the properties it names."""

    def __init__(self) -> None:
        self.properties: dict[str, None] = {}
        self._handlers: tuple[tuple[type[exp.Expr], Callable[..., _Put]], ...] = (
            (exp.Literal, self._literal),
            (exp.Column, self._column),
            (exp.Cast, self._cast),
            (exp.Neg, self._neg),
            (exp.Between, self._between),
            (exp.In, self._in),
            (exp.Case, self._case),
            (exp.If, self._if),
            (exp.Anonymous, self._function),
            (exp.Window, self._over),
            (exp.Filter, self._over),
            (exp.DPipe, self._joined),
            (exp.And, self._logic),
            (exp.Or, self._logic),
            (exp.Not, self._logic),
            (exp.Where, self._logic),
            (exp.Having, self._logic),
            (exp.Like, self._pattern),
            (exp.Glob, self._pattern),
            (exp.Join, self._join),
        )

    def rewritten(self, tree: exp.Expr) -> exp.Expr:
        """Returns a query that computes exactly.

        Raises:
            BadQuery: it says something that cannot be computed exactly.
        """
        return self._put(tree)[0]

    def _put(self, node: exp.Expr) -> _Put:
        """Returns an expression in SQLite's words, and what its values are."""
        if isinstance(node, _REFUSED):
            raise BadQuery(f"{node.sql(dialect=SQLite)} is not supported")
        for kind, put in self._handlers:
            if isinstance(node, kind):
                return put(node)
        if type(node) in _ARITHMETIC:
            one, other = self._put(node.this)[0], self._put(node.expression)[0]
            return _call(_ARITHMETIC[type(node)], one, other), _Kind.NUMBER
        if isinstance(node, _COMPARISONS):
            return self._comparison(node)
        return self._other(node)

    def _other(self, node: exp.Expr) -> _Put:
        if isinstance(node, exp.Paren | exp.Alias | exp.Distinct):
            kind = self._children(node)
            return node, kind
        self._children(node)
        return node, _Kind.TRUTH if isinstance(node, exp.Predicate | exp.Boolean) else _Kind.ANY

    def _logic(self, node: exp.Expr) -> _Put:
        for name in ("this", "expression"):
            if isinstance(node.args.get(name), exp.Expr):
                node.set(name, self._truth(node.args[name]))
        return node, _Kind.TRUTH

    def _pattern(self, node: exp.Expr) -> _Put:
        for name in ("this", "expression"):
            node.set(name, self._text(node.args[name]))
        return node, _Kind.TRUTH

    def _join(self, node: exp.Join) -> _Put:
        condition = node.args.get("on")
        node.set("on", None)
        self._children(node)
        if isinstance(condition, exp.Expr):
            node.set("on", self._truth(condition))
        return node, _Kind.ANY

    def _children(self, node: exp.Expr) -> _Kind:
        """Rewrites what an expression consists of; returns what it is all made of."""
        kinds = set()
        for name, value in list(node.args.items()):
            if isinstance(node, exp.Limit | exp.Offset | exp.WindowSpec | exp.DataType):
                continue
            if isinstance(value, exp.Expr):
                put, kind = self._part(node, value)
                node.set(name, put)
                kinds.add(kind)
            elif isinstance(value, list):
                found = [
                    self._part(node, one) if isinstance(one, exp.Expr) else (one, _Kind.ANY)
                    for one in value
                ]
                node.set(name, [put for put, _ in found])
                kinds |= {kind for _, kind in found}
        return kinds.pop() if len(kinds) == 1 else _Kind.ANY

    def _part(self, owner: exp.Expr, node: exp.Expr) -> _Put:
        # GROUP BY 1, ORDER BY 2: places of columns, which are no numbers to compute with.
        places = isinstance(owner, exp.Group | exp.Ordered) and isinstance(node, exp.Literal)
        if places or isinstance(node, exp.Identifier | exp.TableAlias | exp.Star):
            return node, _Kind.ANY
        if isinstance(owner, exp.Alias) and isinstance(node, exp.Identifier):
            return node, _Kind.ANY
        return self._put(node)

    def _literal(self, node: exp.Literal) -> _Put:
        if node.is_string:
            return node, _Kind.TEXT
        return _exact_literal(str(node.this)), _Kind.NUMBER

    def _column(self, node: exp.Column) -> _Put:
        if isinstance(node.this, exp.Star):
            return node, _Kind.ANY
        if node.table.lower() != PROPERTIES:
            is_text = node.name.lower() in _TEXT_COLUMNS
            return node, _Kind.TEXT if is_text else _Kind.ANY
        self.properties[node.name] = None
        column = exp.column(column_of(node.name), table=node.args.get("db"), quoted=True)
        return column, _Kind.TEXT

    def _cast(self, node: exp.Cast) -> _Put:
        wanted = node.to
        if wanted.this in _WHOLE_TYPES:
            return _call("exact_whole", self._put(node.this)[0]), _Kind.NUMBER
        if wanted.this in _NUMBER_TYPES:
            number = self._number(node.this)
            limits = [param.name for param in wanted.expressions]
            if len(limits) > 1:
                number = _call("round", number, _exact_literal(limits[1]))
            return number, _Kind.NUMBER
        if isinstance(node.this, exp.Literal) and node.this.is_string:
            return node.this, _Kind.TEXT  # TIMESTAMP '2025-01-01 00:00:00'
        return exp.cast(self._text(node.this), "TEXT", dialect=SQLite), _Kind.TEXT

    def _neg(self, node: exp.Neg) -> _Put:
        zero = _exact_literal("0")
        return _call("exact_subtract", zero, self._put(node.this)[0]), _Kind.NUMBER

    def _comparison(self, node: exp.Expr) -> _Put:
        (one, kind), (other, other_kind) = self._put(node.this), self._put(node.expression)
        kinds = {kind, other_kind}
        if _Kind.NUMBER in kinds:
            one, other = _exact(one, kind), _exact(other, other_kind)
        elif _Kind.ANY in kinds:
            # Only when it runs is it known whether numbers are compared.
            numbers = type(node)(
                this=_call("exact_compare", one.copy(), other.copy()),
                expression=exp.Literal.number(0),
            )
            node.set("this", one)
            node.set("expression", other)
            is_number = exp.or_(_is_number(one.copy()), _is_number(other.copy()))
            return exp.Case().when(is_number, numbers).else_(node), _Kind.TRUTH
        node.set("this", one)
        node.set("expression", other)
        return node, _Kind.TRUTH

    def _between(self, node: exp.Between) -> _Put:
        this, low, high = node.this, node.args["low"], node.args["high"]
        both = exp.and_(
            exp.GTE(this=this, expression=low), exp.LTE(this=this.copy(), expression=high)
        )
        return exp.paren(self._put(both)[0]), _Kind.TRUTH

    def _in(self, node: exp.In) -> _Put:
        this, kind = self._put(node.this)
        found = [self._put(one) for one in node.expressions]
        if _Kind.NUMBER in {kind, *(one for _, one in found)}:
            this = _exact(this, kind)
            found = [(_exact(put, one), one) for put, one in found]
        node.set("this", this)
        if found:
            node.set("expressions", [put for put, _ in found])
        elif isinstance(node.args.get("query"), exp.Expr):
            node.set("query", self._put(node.args["query"])[0])
        return node, _Kind.TRUTH

    def _case(self, node: exp.Case) -> _Put:
        subject = node.this
        kinds = []
        for branch in node.args["ifs"]:
            asked = branch.this
            if isinstance(subject, exp.Expr):
                asked = exp.EQ(this=subject.copy(), expression=asked)
            branch.set("this", self._truth(asked))
            put, kind = self._put(branch.args["true"])
            branch.set("true", put)
            kinds.append(kind)
        node.set("this", None)
        default = node.args.get("default")
        if default is not None:
            put, kind = self._put(default)
            node.set("default", put)
            kinds += [] if isinstance(default, exp.Null) else [kind]
        return node, _common(kinds)

    def _if(self, node: exp.If) -> _Put:
        branch = exp.Case(ifs=[exp.If(this=node.this, true=node.args["true"])])
        branch.set("default", node.args.get("false"))
        return self._case(branch)

    def _joined(self, node: exp.DPipe) -> _Put:
        node.set("this", self._text(node.this))
        node.set("expression", self._text(node.expression))
        return node, _Kind.TEXT

    def _over(self, node: exp.Expr) -> _Put:
        """What a window or a filter makes of an aggregate is a number where that is."""
        name = _function_name(node)
        if isinstance(node, exp.Filter):
            node.set("this", self._aggregate(node.this))
            node.set("expression", self._put(node.expression)[0])
        else:
            node.set("this", self._aggregate(node.this))
            for part in ("partition_by", "order"):
                self._part_of_window(node, part)
        if name in _COUNTS:
            return _call("exact", node), _Kind.NUMBER
        return node, _Kind.NUMBER if name in _NUMBERS else _Kind.ANY

    def _aggregate(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Filter):
            node.set("this", self._aggregate(node.this))
            node.set("expression", self._put(node.expression)[0])
            return node
        if isinstance(node, exp.Anonymous):
            self._arguments(node)
            return node
        raise BadQuery(f"{node.sql(dialect=SQLite)} is not supported")

    def _part_of_window(self, node: exp.Expr, name: str) -> None:
        value = node.args.get(name)
        if isinstance(value, list):
            node.set(name, [self._put(one)[0] for one in value])
        elif isinstance(value, exp.Expr):
            node.set(name, self._put(value)[0])

    def _function(self, node: exp.Anonymous) -> _Put:
        name = _function_name(node)
        if name == "IIF" and len(node.expressions) in (2, 3):
            this, true, *false = node.expressions
            return self._if(exp.If(this=this, true=true, false=false[0] if false else None))
        if name == "NULLIF" and len(node.expressions) == 2:
            one, other = node.expressions
            same = exp.EQ(this=one, expression=other)
            return self._case(
                exp.Case(ifs=[exp.If(this=same, true=exp.null())], default=one.copy())
            )
        if name.startswith(_OWN):
            raise BadQuery(f"no such function: {name}")
        kinds = self._arguments(node)
        if name in _COUNTS:
            return _call("exact", node), _Kind.NUMBER
        if name in _NUMBERS:
            return node, _Kind.NUMBER
        return node, _common(kinds) if name in _AS_GIVEN else _Kind.TEXT

    def _arguments(self, node: exp.Anonymous) -> list[_Kind]:
        """Rewrites what a function is given; returns what of it it may answer."""
        name = _function_name(node)
        counted_by = _PLACES.get(name, ())
        if name == "JULIANDAY" and len(node.expressions) != 1:
            raise BadQuery("JULIANDAY takes one time, and nothing beside it")
        kinds = []
        arguments: list[exp.Expr] = []
        for place, argument in enumerate(node.expressions):
            if isinstance(argument, exp.Star):
                arguments.append(argument)
            elif place in counted_by:
                arguments.append(_call("exact_int", self._put(argument)[0]))
            elif name in _AS_GIVEN or name in _NUMBERS or name == "COUNT":
                put, kind = self._put(argument)
                if name in ("SUM", "AVG"):
                    put = _within_distinct(put, kind)
                arguments.append(put)
                kinds.append(kind)
            else:
                arguments.append(self._text(argument))
        if name in _BY_TIME and len(arguments) == 1:
            arguments.append(exp.column(_TIME))
        node.set("expressions", arguments)
        return kinds

    def _number(self, node: exp.Expr) -> exp.Expr:
        return _exact(*self._put(node))

    def _text(self, node: exp.Expr) -> exp.Expr:
        put, kind = self._put(node)
        return put if kind in (_Kind.TEXT, _Kind.TRUTH) else _call("exact_text", put)

    def _truth(self, node: exp.Expr) -> exp.Expr:
        put, kind = self._put(node)
        return put if kind is _Kind.TRUTH else _call("exact_truth", put)


def _exact_literal(text: str) -> exp.Expr:
    number = decimal_of(text)
    if number is None:
        raise BadQuery(f"{text} is no number that can be computed with")
    return exp.HexString(this=encoded(number).hex())


def _exact(node: exp.Expr, kind: _Kind) -> exp.Expr:
    return node if kind is _Kind.NUMBER else _call("exact", node)


def _within_distinct(node: exp.Expr, kind: _Kind) -> exp.Expr:
    """Makes what is added up a number before it is told apart: 1 and 1.0 are the same one."""
    if isinstance(node, exp.Distinct):
        node.set("expressions", [_call("exact", one) for one in node.expressions])
        return node
    return _exact(node, kind)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _is_number(node: exp.Expr) -> exp.Expr:
    return exp.EQ(this=_call("typeof", node), expression=exp.Literal.string("blob"))


def _function_name(node: exp.Expr) -> str:
    while isinstance(node, exp.Window | exp.Filter):
        node = node.this
    return str(node.this).upper() if isinstance(node, exp.Anonymous) else ""


def _common(kinds: Sequence[_Kind]) -> _Kind:
    different = {*kinds}
    return different.pop() if len(different) == 1 else _Kind.ANY
