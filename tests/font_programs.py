"""Small font programs that draw one square each, with texts wherever a program can contain some."""

import struct

GLYPHS = [
    b"CANARYGLYPH",
    b"kha",
]  # names of glyphs: they stay, because a PDF may choose glyphs by their names
TEXTS = [b"CANARYNOTICE (c)", b"CANARYFAMILY", b"CANARYUNUSED"]

CLEAR_PART = rb"""%!PS-AdobeFont-1.0: CANARYNAME 001.001
%%Title: CANARYTITLE (never closed
FontDirectory/CANARYNAME known{/CANARYNAME findfont}{false}ifelse
12 dict begin
/FontName /CANARYNAME def
/FontInfo 9 dict dup begin
/Notice (CANARY \050c\051 (100% nested) \) currentfile eexec CANARY) readonly def
/CANARYKEY /CANARYVALUE def /CANARYHEX <43414E415259> def
end readonly def
/PaintType 0 def /FontType 1 def
/FontMatrix [0.0010000000474974513 0 0 .001 0 0] readonly def
/FontBBox{-10 -20 600 700}executeonly def
/Encoding 256 array 0 1 255 {1 index exch /.notdef put} for
dup 65/A put
dup 66 /f_i put dup 67 /CANARY@x put
readonly def
currentdict end % CANARY currentfile eexec CANARY
currentfile eexec
"""
TRAILER = (b"0" * 64 + b"\n") * 8 + b"cleartomark\nCANARYBEHIND\n"


def _number(value: int) -> bytes:
    """Encode a number as glyphs and dictionaries do."""
    if -107 <= value <= 107:
        return bytes([value + 139])
    high, low = divmod(abs(value) - 108, 256)
    return bytes([high + (247 if value > 0 else 251), low])


def _drawn(*words: int | str) -> bytes:
    operators = {"hlineto": 6, "vlineto": 7, "closepath": 9, "hsbw": 13, "endchar": 14, "rmoveto": 21}
    return b"".join(_number(word) if isinstance(word, int) else bytes([operators[word]]) for word in words)


def _encrypted(plain: bytes, key: int) -> bytes:
    written = bytearray()
    for byte in b"\0\0\0\0" + plain:
        written.append(byte ^ key >> 8)
        key = ((written[-1] + key) * 52845 + 22719) & 0xFFFF
    return bytes(written)


def private_part() -> bytes:
    """Return the encrypted part of a Type 1 program: the glyph A is a square."""
    square = _drawn(0, 600, "hsbw", 100, 100, "rmoveto", 400, "hlineto", 400, "vlineto", -400, "hlineto")
    glyphs = {b".notdef": _drawn(0, 600, "hsbw", "endchar"), b"A": square + _drawn("closepath", "endchar")}
    plain = b"dup /Private 5 dict dup begin /RD{string currentfile exch readstring pop}def /ND{def}def\n"
    plain += b"/BlueValues [] def /lenIV 4 def 2 index /CharStrings 2 dict dup begin\n"
    for name, program in glyphs.items():
        program = _encrypted(program, 4330)
        plain += b"/%s %d RD %s ND\n" % (name, len(program), program)
    plain += b"end end readonly put put dup/FontName get exch definefont pop mark currentfile closefile\n"
    return _encrypted(plain, 55665)


def type_1(clear_part: bytes = CLEAR_PART) -> bytes:
    return clear_part + private_part() + TRAILER


def _index(*items: bytes) -> bytes:
    """Return these items as CFF stores a list: their count, where each starts, and they themselves."""
    if not items:
        return b"\0\0"
    starts = [1 + sum(map(len, items[:place])) for place in range(len(items) + 1)]
    return struct.pack(">HB", len(items), 2) + struct.pack(f">{len(starts)}H", *starts) + b"".join(items)


def compact(*, is_cid: bool = False, kind: int = 0) -> bytes:
    """Return a CFF program of four squares.

    `is_cid` for one whose glyphs have numbers instead of names; `kind` is how the names are listed: singly (0), or in
    ranges whose length has so many bytes.
    """
    strings = [*TEXTS, *GLYPHS, b"Adobe", b"Identity", b"CANARYPART"]
    registry, ordering, part = (_number(391 + len(TEXTS) + place) for place in (2, 3, 4))
    texts = (
        _number(391) + b"\1" + _number(392) + b"\3" + b"\x1e\x0a\x14\x05\x4f\x0c\x02"
    )  # a slant, as a real
    collection = registry + ordering + _number(0) + b"\x0c\x1e" if is_cid else b""
    square = _drawn(600, 100, 100, "rmoveto", 400, 400, -400, "hlineto", "endchar")
    first, named = (1, 2) if is_cid else (34, 391 + len(TEXTS))  # 34 is the name A
    charset = struct.pack(">BHHH", 0, first, named, named + 1)
    if kind:
        charset = struct.pack({1: ">BHBHB", 2: ">BHHHH"}[kind], kind, first, 0, named, 1)
    glyphs = _index(square, square, square, square)

    def written(charset_at: int, glyphs_at: int, parts_at: int, choice_at: int) -> tuple[bytes, list[int]]:
        pointers = {b"\x0f": charset_at, b"\x11": glyphs_at}
        if is_cid:
            pointers |= {b"\x0c\x24": parts_at, b"\x0c\x25": choice_at}
        top = (
            collection
            + texts
            + b"".join(b"\x1d" + struct.pack(">L", at) + key for key, at in pointers.items())
        )
        head = b"\1\0\4\2" + _index(b"CANARYNAME") + _index(top) + _index(*strings) + _index()
        pieces = [charset, glyphs, _index(part + b"\x0c\x26" + _number(0) * 2 + b"\x12"), bytes(5)]
        starts = [len(head) + sum(map(len, pieces[:place])) for place in range(len(pieces))]
        return head + b"".join(pieces), starts

    _data, starts = written(0, 0, 0, 0)  # an offset has the same length whatever it is
    return written(*starts)[0]
