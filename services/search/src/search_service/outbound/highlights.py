"""From marks in folded text to marked HTML of what people wrote."""

import html
import unicodedata
from collections.abc import Sequence

from search_service.domain.folding import Folded, fold_with_origins

# What the engine puts around the words it found: private-use characters, which no folded text contains.
START, END = "\ue000", "\ue001"


def marked_html(original: str, fragments: Sequence[str]) -> tuple[str, ...]:
    """Parts of `original` as HTML: words found between <em> and </em>, everything else escaped.

    fragments: parts of the folded original with START and END around the words. One without a word is left out.
    """
    found = [each for each in fragments if START in each]
    if not found:
        return ()
    folded = fold_with_origins(original)
    parts = (_part(original, folded, each) for each in found)
    return tuple(dict.fromkeys(each for each in parts if each))


def _part(original: str, folded: Folded, fragment: str) -> str:
    plain, spans = _spans(fragment)
    shift = folded.text.find(plain)
    if shift < 0 or not plain:
        return ""
    # Punctuation at either end of the text is no part of the folded one, but of what people wrote.
    at = folded.origins[shift] if folded.text[:shift].strip() else 0
    pieces: list[str] = []
    for begin, end in spans:
        first, last = folded.origins[shift + begin], _end(original, folded.origins[shift + end - 1])
        pieces += [html.escape(original[at:first]), "<em>", html.escape(original[first:last]), "</em>"]
        at = last
    behind = shift + len(plain)
    rest = _end(original, folded.origins[behind - 1]) if folded.text[behind:].strip() else len(original)
    pieces.append(html.escape(original[at:rest]))
    return "".join(pieces)


def _spans(fragment: str) -> tuple[str, list[tuple[int, int]]]:
    """The fragment without marks, and where they were: (begin, end) of each word."""
    plain, spans, begin = "", [], 0
    for character in fragment:
        if character == START:
            begin = len(plain)
        elif character == END:
            if len(plain) > begin:
                spans.append((begin, len(plain)))
        else:
            plain += character
    return plain, spans


def _end(original: str, last: int) -> int:
    """Behind character `last` and the accents that follow it."""
    end = last + 1
    while end < len(original) and unicodedata.combining(original[end]):
        end += 1
    return end
