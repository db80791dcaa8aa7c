"""Text as it is compared: without case, accents and punctuation, alike on every engine since it is done here.

A filter of the engine would do the same for accents, but not every engine has one.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# Letters that Unicode does not take apart into a base and a mark.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)  # fmt: skip
_APOSTROPHES = frozenset("'’‘ʼ`´＇")
_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"
MOST_STARTS = 12


@dataclass(frozen=True, slots=True)
class Folded:
    """`text` and, for each of its characters, which one of the original it comes from."""

    text: str
    origins: tuple[int, ...]


@lru_cache(maxsize=4096)
def fold_character(character: str) -> str:
    """What becomes of one character: "" for accents and apostrophes, " " for other punctuation."""
    if character in _APOSTROPHES:
        return ""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    bare = "".join(each for each in apart if not _FIRST_MARK <= each <= _LAST_MARK)
    # Put together again, or Hangul syllables and kana would fall to pieces.
    folded = unicodedata.normalize("NFC", bare).translate(_PLAIN)
    return "".join(_kept(each) for each in folded)


def fold(text: str) -> str:
    """The folded text: words of letters, marks and digits between spaces."""
    return "".join(map(fold_character, text))


def fold_with_origins(text: str) -> Folded:
    """The folded text with the way back to the original."""
    parts = [fold_character(each) for each in text]
    return Folded("".join(parts), tuple(index for index, part in enumerate(parts) for _ in part))


def words_of(text: str) -> tuple[str, ...]:
    """Its folded words, each once, in order."""
    return tuple(dict.fromkeys(fold(text).split()))


def key_of(text: str) -> str:
    """One spelling for all that look alike: folded words with single spaces."""
    return " ".join(fold(text).split())


def starts_of(text: str) -> tuple[str, ...]:
    """The key from each of its first words on, so that any of them can be typed first."""
    words = fold(text).split()
    return tuple(" ".join(words[index:]) for index in range(min(len(words), MOST_STARTS)))


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LNM":
        return character
    return "" if category == "Cf" else " "
