"""Words of names, as they are searched for: in any case, without accents."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 40
"""Characters of a word that count."""

_WORD: Final = re.compile(r"[^\W_]+")


def words_in(text: str) -> tuple[str, ...]:
    """Returns the unlike words of a text, in their order."""
    split = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(one for one in split if not unicodedata.combining(one))
    return tuple(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(plain)))
