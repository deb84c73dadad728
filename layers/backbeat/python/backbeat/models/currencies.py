"""How many decimal places the amounts of a currency are paid in."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

_PLACES: Final = {
    0: "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD JOD KWD OMR TND",
}
"""Where they are not two. As Stripe takes payments: ISO 4217 differs for some."""

_PLACES_OF: Final = {code: places for places, codes in _PLACES.items() for code in codes.split()}
_USUAL: Final = 2

_ROUNDING: Final = Context(prec=60, rounding=ROUND_HALF_UP)


def places(currency: str) -> int:
    """Returns the decimal places of a currency (ISO 4217 code): 2 for USD, 0 for JPY."""
    return _PLACES_OF.get(currency.upper(), _USUAL)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Returns an amount in whole units as it is paid: half a smallest unit is rounded up."""
    return amount.quantize(Decimal(1).scaleb(-places(currency)), context=_ROUNDING)
