"""CFF font programs: texts in them are overwritten, as many bytes as there were, so that nothing moves."""

import re
from itertools import pairwise

from core.pdf.rules import COLLECTIONS, LABEL

# A dictionary is a row of numbers in different forms, each followed by the operator (one or two bytes) they belong to.
_WORD = re.compile(
    rb"\x1c..|\x1d....|\x1e.*?[\x0f\x1f\x2f\x3f\x4f\x5f\x6f\x7f\x8f\x9f\xaf\xbf\xcf\xdf\xef\xf0-\xff]"
    rb"|[\xf7-\xfe].|\x0c.|.",
    re.DOTALL,
)
_CHARSET, _GLYPHS, _COLLECTION = b"\x0f", b"\x11", b"\x0c\x1e"  # operators
_OWN = 391  # the number of a program's first own string; the lower ones are the same in all
_KNOWN = {b"Adobe", *(name.encode() for name in COLLECTIONS)}


def without_texts(data: bytes) -> bytes | None:
    """Return the program with no texts but names of glyphs and of character collections; None if it is damaged."""
    try:
        names, at = _items(data, data[2])
        dictionaries, at = _items(data, at)
        strings, at = _items(data, at)
        top = _operators(data[slice(*dictionaries[0])])
        glyphs = set() if _COLLECTION in top else _names_of_glyphs(data, top)
    except (ValueError, LookupError):
        return None
    clean = bytearray(data)
    for start, end in names:
        clean[start:end] = b"F" * (end - start)
    for number, (start, end) in enumerate(strings, _OWN):
        text = data[start:end]
        is_glyph = number in glyphs and re.fullmatch(LABEL.encode(), text)
        if not is_glyph and text not in _KNOWN:
            clean[start:end] = b" " * len(text)
    return bytes(clean)


def _items(data: bytes, at: int) -> tuple[list[tuple[int, int]], int]:
    """Return where each item of a list (an INDEX) starts and ends, and where the list ends."""
    count = int.from_bytes(data[at : at + 2], "big")
    if not count:
        return [], at + 2
    size = data[at + 2]
    body = at + 3 + (count + 1) * size
    places = [
        body - 1 + int.from_bytes(data[place : place + size], "big") for place in range(at + 3, body, size)
    ]
    if places[0] != body or places != sorted(places) or places[-1] > len(data):
        raise ValueError
    return list(pairwise(places)), places[-1]


def _operators(dictionary: bytes) -> dict[bytes, list[int]]:
    """Return the numbers of each operator; 0 for those that are no place in the program."""
    found: dict[bytes, list[int]] = {}
    numbers: list[int] = []
    for word in _WORD.findall(dictionary):
        if word[0] <= 21:
            found[word], numbers = numbers, []
        elif word[0] in (28, 29):
            numbers.append(int.from_bytes(word[1:], "big"))
        elif 32 <= word[0] <= 246:
            numbers.append(word[0] - 139)
        else:
            numbers.append((word[0] - 247) * 256 + word[1] + 108 if 247 <= word[0] <= 250 else 0)
    return found


def _names_of_glyphs(data: bytes, top: dict[bytes, list[int]]) -> set[int]:
    """Return the numbers of the strings that name glyphs."""
    at, glyphs = top.get(_CHARSET, [0])[-1], top[_GLYPHS][-1]
    if at <= 2:  # one of three lists of standard names
        return set()
    left = int.from_bytes(data[glyphs : glyphs + 2], "big") - 1  # the first glyph has no name
    kind = data[at]  # 0: a number for each glyph; 1 and 2: a number and, in so many bytes, how many follow it
    if kind > 2:
        raise ValueError
    found: set[int] = set()
    for place in range(at + 1, len(data), 2 + kind):
        if left <= 0:
            break
        first = int.from_bytes(data[place : place + 2], "big")
        more = int.from_bytes(data[place + 2 : place + 2 + kind], "big")
        found.update(range(first, first + more + 1))
        left -= more + 1
    return found
