"""Type 1 font programs: a part that can be read, then an encrypted one with the glyphs."""

import re

from core.pdf.rules import LABEL, Unsupported

_MARK = re.compile(rb"%[^\r\n]*|\(|\beexec(?:\r\n|\s)")
_IN_TEXT = re.compile(rb"\\.|[()]", re.DOTALL)
_NUMBER = rb"[-+]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[Ee][-+]?\d{1,3})?"
# Each key with numbers, how many it has, and how they are written.
_MEASURES = (
    (b"PaintType", 1, b"%b def"),
    (b"StrokeWidth", 1, b"%b def"),
    (b"FontMatrix", 6, b"[%b] readonly def"),
    (b"FontBBox", 4, b"{%b} readonly def"),
)
_CODE = re.compile(rb"\bdup\s+(\d{1,3})\s*/(%b)\s+put\b" % LABEL.encode())
# Fonts with several masters, which were made until 1999, and lists of glyphs that no known program writes.
_RARE = re.compile(rb"/WeightVector\b|/Encoding\s*\[")


def rewritten(data: bytes, name: str) -> tuple[bytes, bytes] | None:
    """Return a new readable part with this name and what the glyphs need, and the encrypted part as it was.

    None if it is no such program. Raises Unsupported for a rare kind.
    """
    parts = _parts(data) if data.startswith((b"%!PS-AdobeFont", b"%!FontType1")) else None
    if parts is None:
        return None
    readable, encrypted = parts
    if _RARE.search(readable):
        raise Unsupported
    font = name.encode()
    lines = [
        b"%!PS-AdobeFont-1.0: " + font,
        b"12 dict begin",
        b"/FontName /%b def" % font,
        b"/FontType 1 def",
    ]
    for key, count, form in _MEASURES:
        pattern = rb"/%b\s*[\[{]?\s*(%b(?:\s+%b){%d})" % (key, _NUMBER, _NUMBER, count - 1)
        if found := re.search(pattern, readable):
            lines.append(b"/%b %b" % (key, form % b" ".join(found[1].split())))
    lines += [*_encoding(readable), b"currentdict end", b"currentfile eexec", b""]
    return b"\n".join(lines), encrypted


def _parts(data: bytes) -> tuple[bytes, bytes] | None:
    """Return the readable part without comments and texts, and the encrypted part without the zeros at its end."""
    readable, at = bytearray(), 0
    while found := _MARK.search(data, at):
        readable += data[at : found.start()] + b" "
        at = found.end()
        if found[0].startswith(b"eexec"):
            return bytes(readable), re.split(rb"0{64}\s", data[at:], maxsplit=1)[0]
        if found[0] == b"(":
            at = _end_of_text(data, at)
    return None


def _end_of_text(data: bytes, at: int) -> int:
    """Return where a text ends that has begun; texts can contain pairs of parentheses."""
    depth = 1
    for found in _IN_TEXT.finditer(data, at):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(data)


def _encoding(readable: bytes) -> list[bytes]:
    """Return which glyph each code draws: a standard one, or a list."""
    standard = re.search(rb"/Encoding\s+(StandardEncoding|ISOLatin1Encoding)\b", readable)
    if standard:
        return [b"/Encoding %b def" % standard[1]]
    glyphs = {int(found[1]): found[2] for found in _CODE.finditer(readable)}
    codes = [b"dup %d /%b put" % (code, glyph) for code, glyph in glyphs.items() if code < 256]
    return [b"/Encoding 256 array", b"0 1 255 {1 index exch /.notdef put} for", *codes, b"readonly def"]
