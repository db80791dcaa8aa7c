"""Which passwords are refused: short ones and those an attacker tries first (NIST SP 800-63B section 3.1.1.2)."""

import re
import unicodedata
from collections.abc import Iterable

from domain_kit.refusals import InvalidArgument

SHORTEST = 10
# Rows of keyboards and of the alphabet; any run of four or more of them counts as one thing to guess.
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
    "a1b2c3d4e5f6g7h8i9j0",
)
_RUNS = (*_ROWS, *(row[::-1] for row in _ROWS))
# Every piece of a row that is a run: found by one look-up, so that judging takes time in proportion to the password.
_SHORTEST_RUN = 4
_PIECES = frozenset(
    run[start:end]
    for run in _RUNS
    for start in range(len(run) - _SHORTEST_RUN + 1)
    for end in range(start + _SHORTEST_RUN, len(run) + 1)
)
_LONGEST_RUN = max(map(len, _RUNS))
_THING = "\N{BULLET}"
_SIGNS = r"[0-9!-/:-@\[-`{-~ ]"
_LOOKALIKES = str.maketrans("@4310$5!7", "aaeiossit")
# What has to be left after all that is easy to guess is taken as one character each.
_ENOUGH = 6


def normal(password: str) -> str:
    """The same password however a keyboard composes its accents (NIST SP 800-63B: normalize by NFKC before hashing)."""
    return unicodedata.normalize("NFKC", password)


class WeakPasswords:
    """Judges passwords with a list of common words, lower case."""

    def __init__(self, common: Iterable[str]) -> None:
        self._common = tuple(common)
        self._pattern = _any_of(self._common)

    def refuse(self, password: str, *, email: str, display_name: str) -> None:
        """Return for a good one. InvalidArgument PASSWORD_WEAK says why not, never repeating the password."""
        password = normal(password)
        if len(password) < SHORTEST:
            raise _weak(f"must have at least {SHORTEST} characters.")
        folded, own = password.casefold(), _any_of(_own_words(email, display_name))
        if own.search(folded) and _left(folded, own) < _ENOUGH:
            raise _weak("must not be made of your name or e-mail address.")
        for spelling in (folded, folded.translate(_LOOKALIKES)):
            if _left(own.sub(_THING, spelling), self._pattern) < _ENOUGH:
                raise _weak("is easy to guess: use several unrelated words, or a password manager.")


def _own_words(email: str, display_name: str) -> list[str]:
    local, _, domain = email.casefold().partition("@")
    words = [email.casefold(), local, domain, display_name.casefold()]
    for text in (local, domain, display_name.casefold()):
        words.extend(re.split(r"[^\w]+|_", text))
    return [word for word in words if len(word) >= 4]


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _left(folded: str, words: re.Pattern[str]) -> int:
    """How many characters are left when a word, a run of keys and what is repeated count as one each."""
    return len(_collapse(_trim(_shorten_runs(words.sub(_THING, folded)))))


def _trim(text: str) -> str:
    """Digits and signs before and after count as one: `password2024!` is `password` to those who guess."""
    return re.sub(rf"^{_SIGNS}+|{_SIGNS}+$", "#", text)


def _collapse(text: str) -> str:
    """`abcabcabc` → `abc`, again for what that makes."""
    shorter = re.sub(r"(.{1,16}?)\1+", r"\1", text)
    return shorter if shorter == text else _collapse(shorter)


def _shorten_runs(text: str) -> str:
    out, at = [], 0
    while at < len(text):
        length = 1
        if text[at : at + _SHORTEST_RUN] in _PIECES:
            length = next(n for n in range(_LONGEST_RUN, 0, -1) if text[at : at + n] in _PIECES)
            length = min(length, len(text) - at)
        out.append(text[at] if length == 1 else _THING)
        at += length
    return "".join(out)


def _weak(description: str) -> InvalidArgument:
    return InvalidArgument.of("password", description, reason="PASSWORD_WEAK")
