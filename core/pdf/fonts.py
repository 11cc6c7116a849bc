"""Fonts: their metrics, their glyphs, and which character each code stands for."""

import re
import struct
from typing import TYPE_CHECKING, Any

from pikepdf import Array, Dictionary, Name, Stream

from core.pdf import cff, glyphs, type1
from core.pdf.content import cleaned_content
from core.pdf.rules import COLLECTIONS, label, number, numbers, one_of

if TYPE_CHECKING:
    from core.pdf.copier import Copier

# Tables of a TrueType or OpenType font with which a PDF's glyphs are drawn; not names, licences, signatures and the
# like, and not those for which a PDF has keys of its own, such as vertical metrics.
TABLES = {
    *(
        b"cmap",
        b"cvt ",
        b"fpgm",
        b"glyf",
        b"head",
        b"hhea",
        b"hmtx",
        b"loca",
        b"maxp",
        b"prep",
        b"post",
        b"CFF ",
    ),
}
MOST_CODES_IN_ALL = 600_000  # of all character maps; a font of every Chinese character has 130,000
_CMAP_TOKEN = re.compile(rb"<[0-9A-Fa-f \r\n\t]*>|\[|\]|-?[0-9]+|[A-Za-z]+|/WMode")
LONGEST_CODE, LONGEST_TEXT = 8, 32  # hexadecimal digits: four bytes, and eight UTF-16 units
ENCODINGS = ("/WinAnsiEncoding", "/MacRomanEncoding", "/MacExpertEncoding", "/StandardEncoding")
# The character maps that viewers have.
_PREDEFINED = re.compile(
    "/(?:(?:Identity|GB|GBpc|GBK|GBKp|GBK2K|UniGB|B5pc|HKscs|ETen|ETenms|CNS|UniCNS|83pv|90ms|90msp|90pv|Add|EUC|Ext|"
    "UniJIS|UniJIS2004|UniJISX0213|KSC|KSCms|KSCpc|UniKS)(?:-(?:EUC|RKSJ|B5|UCS2|UTF8|UTF16|UTF32|HW|Johab)){0,2}-)?[HV]"
)
_SECTIONS = ("codespacerange", "bfchar", "bfrange", "cidchar", "cidrange", "notdefchar", "notdefrange")


def font(copier: "Copier", value: Any) -> Any:
    """Clean a font; None for an unknown type."""
    if not isinstance(value, Dictionary):
        return None
    subtype = one_of("Type0", "Type1", "MMType1", "TrueType", "Type3", "CIDFontType0", "CIDFontType2")(
        copier, value.get("/Subtype")
    )
    if subtype is None:
        return None
    clean = copier.filtered(
        value,
        {
            **({} if subtype == Name.Type3 else {"/BaseFont": label}),
            "/FirstChar": number,
            "/LastChar": number,
            "/Widths": numbers,
            "/FontDescriptor": lambda inner, item: inner.once(item, _descriptor),
            "/Encoding": _encoding,
            "/ToUnicode": lambda inner, item: inner.once(item, character_map),
            "/DescendantFonts": _descendants,
            "/CIDSystemInfo": _system,
            **dict.fromkeys(("/DW",), number),
            **dict.fromkeys(("/W", "/DW2", "/W2", "/FontBBox", "/FontMatrix"), numbers),
        },
    )
    clean["/Type"], clean["/Subtype"] = Name.Font, subtype
    descriptor = clean.get("/DescendantFonts", [clean])[0].get("/FontDescriptor", Dictionary())
    if _is_embedded(descriptor):
        clean["/BaseFont"] = descriptor.FontName
    new_names = {} if _is_embedded(descriptor) else _rename_glyphs(clean.get("/Encoding"))
    if subtype == Name.CIDFontType2:
        _add_glyph_ids(copier, value, clean)
    if subtype == Name.Type3:
        _add_drawn_glyphs(copier, value, clean, new_names)
    return clean


def _rename_glyphs(encoding: Any) -> dict[str, str]:
    """Rename glyphs g1, g2 … unless their names mean a character; return the new names by the old ones."""
    coded = encoding.get("/Differences") if isinstance(encoding, Dictionary) else None
    if coded is None:
        return {}
    names = dict.fromkeys(str(name) for name in coded if isinstance(name, Name))
    new = {
        name: name if glyphs.is_known(name[1:]) else f"/g{count}" for count, name in enumerate(names, start=1)
    }
    encoding["/Differences"] = Array(
        [Name(new[str(item)]) if isinstance(item, Name) else item for item in coded]
    )
    return new


def _system(copier: "Copier", value: Any) -> Any:
    """Clean the character collection: one of Adobe's, or else `Identity`."""
    if not isinstance(value, Dictionary):
        return None
    ordering = str(value.get("/Ordering", ""))
    found = Dictionary(
        Registry="Adobe", Ordering=ordering if ordering in COLLECTIONS else "Identity", Supplement=0
    )
    supplement = number(copier, value.get("/Supplement"))
    if supplement is not None:
        found["/Supplement"] = supplement
    return found


def _descendants(copier: "Copier", value: Any) -> Any:
    found = copier.once(value[0], font) if isinstance(value, Array) and len(value) == 1 else None
    return Array([found]) if found is not None else None


def _add_glyph_ids(copier: "Copier", value: Dictionary, clean: Dictionary) -> None:
    """Copy the map from characters to glyphs, two bytes each; glyphs that the font doesn't have become 0."""
    ids = value.get("/CIDToGIDMap")
    if ids == Name.Identity:
        clean["/CIDToGIDMap"] = Name.Identity
    program = clean.get("/FontDescriptor", Dictionary()).get("/FontFile2")
    if not isinstance(ids, Stream) or program is None:
        return
    count = glyph_count(_tables(program.read_bytes()) or {})
    data = copier.decoded(ids)[: 2 * 65536]
    pairs = struct.iter_unpack(">H", data[: len(data) // 2 * 2])
    clean["/CIDToGIDMap"] = copier.stream(
        b"".join(struct.pack(">H", glyph * (glyph < count)) for (glyph,) in pairs)
    )


def glyph_count(tables: dict[bytes, bytes]) -> int:
    """Return how many glyphs a TrueType font has: as many as it declares and has places for in `loca`."""
    places = len(tables.get(b"loca", b"")) // _size_of_place(tables) - 1
    return max(min(_declared_glyphs(tables), places), 0)


def _declared_glyphs(tables: dict[bytes, bytes]) -> int:
    return int.from_bytes(tables.get(b"maxp", b"")[4:6], "big")


def _size_of_place(tables: dict[bytes, bytes]) -> int:
    """Return how many bytes an entry of `loca` has."""
    return 4 if any(tables.get(b"head", b"")[50:52]) else 2


def _descriptor(copier: "Copier", value: Any) -> Any:

    if not isinstance(value, Dictionary):
        return None
    name = copier.new_name("F")
    measures = "Flags ItalicAngle Ascent Descent Leading CapHeight XHeight StemV StemH AvgWidth MaxWidth MissingWidth"
    clean = copier.filtered(
        value,
        {
            "/Type": one_of("FontDescriptor"),
            "/FontName": label,
            "/FontBBox": numbers,
            **{f"/{measure}": number for measure in [*measures.split(), "FontWeight"]},
            "/FontFile": lambda inner, item: _type_1(inner, item, name),
            "/FontFile2": lambda inner, item: inner.once(item, _true_type),
            "/FontFile3": lambda inner, item: inner.once(item, _compact),
        },
    )
    if _is_embedded(clean):
        clean["/FontName"] = name
    return clean


def _is_embedded(descriptor: Any) -> bool:
    """Return whether the PDF has the font's program; without it, the font is found by its name."""
    return any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def _type_1(copier: "Copier", value: Any, name: Name) -> Any:
    parts = type1.rewritten(copier.decoded(value), str(name)[1:]) if isinstance(value, Stream) else None
    if parts is None:
        return None
    readable, encrypted = parts
    return copier.stream(readable + encrypted, Length1=len(readable), Length2=len(encrypted), Length3=0)


def _true_type(copier: "Copier", value: Any) -> Any:
    data = drawing_tables(copier.decoded(value)) if isinstance(value, Stream) else None
    return copier.stream(data, Length1=len(data)) if data else None


def _compact(copier: "Copier", value: Any) -> Any:

    if not isinstance(value, Stream):
        return None
    subtype = one_of("Type1C", "CIDFontType0C", "OpenType")(copier, value.get("/Subtype"))
    data = copier.decoded(value)
    if subtype == Name.OpenType:
        data = drawing_tables(data) or b""
    elif data.startswith(b"\x01\x00"):
        data = cff.without_texts(data) or b""
    else:
        return None
    return copier.stream(data, Subtype=subtype) if subtype is not None and data else None


def drawing_tables(data: bytes) -> bytes | None:
    """Return a TrueType or OpenType font reduced to the tables that draw glyphs; None if it is no such font."""
    tables = _tables(data)
    if not tables:
        return None
    if b"CFF " in tables:
        compact = cff.without_texts(tables[b"CFF "])
        if compact is None:
            return None
        tables[b"CFF "] = compact
    for tag, size in _sizes(tables).items():
        if tag in tables:
            tables[tag] = tables[tag][:size]
    power = len(tables).bit_length() - 1
    head = struct.pack(
        ">4sHHHH", data[:4], len(tables), 16 << power, power, (len(tables) << 4) - (16 << power)
    )
    at, directory, body = 12 + 16 * len(tables), [], []
    for tag, table in tables.items():
        padded = table.ljust(-(-len(table) // 4) * 4, b"\0")
        check = sum(word for (word,) in struct.iter_unpack(">L", padded)) % 2**32
        directory.append(struct.pack(">4sLLL", tag, check, at, len(table)))
        body.append(padded)
        at += len(padded)
    return b"".join([head, *directory, *body])


def _tables(data: bytes) -> dict[bytes, bytes] | None:
    """Return the tables of a TrueType or OpenType font that draw; None if it is no such font."""
    if data[:4] not in (b"\x00\x01\x00\x00", b"true", b"OTTO") or len(data) < 12:
        return None
    (count,) = struct.unpack(">H", data[4:6])
    found: list[tuple[bytes, bytes]] = []
    for offset in range(12, 12 + 16 * min(count, 100), 16):
        if offset + 16 > len(data):
            return None
        tag, _check, start, length = struct.unpack(">4sLLL", data[offset : offset + 16])
        if tag in TABLES and start + length <= len(data):
            found.append((tag, data[start : start + length]))
    tables = dict(found)
    if len(tables) < len(found) or sum(map(len, tables.values())) > len(data):
        return None  # tables that lie over one another: a small font would become a large one
    return tables


def _sizes(tables: dict[bytes, bytes]) -> dict[bytes, int]:
    """Return the most bytes that tables of a known size have: what follows draws nothing and could be a photo."""
    glyphs = _declared_glyphs(tables)
    return {
        b"head": 54,
        b"hhea": 36,
        b"maxp": 32,
        b"hmtx": 4 * glyphs,
        b"loca": _size_of_place(tables) * (glyphs + 1),
    }


def _encoding(copier: "Copier", value: Any) -> Any:

    if isinstance(value, Stream):
        return copier.once(value, character_map)
    if isinstance(value, Name):
        return value if str(value) in ENCODINGS or _PREDEFINED.fullmatch(str(value)) else None
    if not isinstance(value, Dictionary):
        return None
    return copier.filtered(
        value, {"/BaseEncoding": one_of(*(name[1:] for name in ENCODINGS)), "/Differences": _differences}
    )


def _differences(copier: "Copier", value: Any) -> Any:
    """Return the names of glyphs, each code once: a font has 256."""
    if not isinstance(value, Array) or len(value) > 1024:
        return None
    code, names = 0, {}
    for item in value:
        if isinstance(item, int):
            code = item
            continue
        names[code] = label(None, item) or Name("/.notdef")
        code += 1
    return Array([part for code in sorted(names) if 0 <= code < 256 for part in (code, names[code])])


def character_map(copier: "Copier", value: Any) -> Any:
    """Clean a character map: its pairs and ranges in a new CMap; of the predefined ones only Identity-H and -V."""
    if not isinstance(value, Stream):
        return (
            value if isinstance(value, Name) and value in (Name("/Identity-H"), Name("/Identity-V")) else None
        )
    text = re.sub(rb"%[^\r\n]*", b" ", copier.decoded(value))
    lines: list[str] = []
    tokens: list[str] = []
    section = ""
    for found in _CMAP_TOKEN.finditer(text):
        word = found[0].decode("latin-1")
        if word.startswith("begin") and word[5:] in _SECTIONS and not section:
            section, tokens = word[5:], []
        elif word == f"end{section}" and section:
            lines.append(_section(section, tokens))
            section = ""
        elif section and not word[0].isalpha() and not word.startswith("/"):
            tokens.append("".join(word.split()))
            copier.count_code()
    wide = number(None, value.get("/WMode"))
    frame = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def /CMapType 2 def "
        f"/WMode {1 if wide == 1 else 0} def\n"
    )
    clean = copier.stream(
        (frame + "".join(lines) + "endcmap CMapName currentdict /CMap defineresource pop end end").encode()
    )
    clean["/Type"], clean["/CMapName"], clean["/WMode"] = Name.CMap, Name.M, 1 if wide == 1 else 0
    system = _system(copier, value.get("/CIDSystemInfo"))
    if system is not None:
        clean["/CIDSystemInfo"] = system
    return clean


def _section(name: str, tokens: list[str]) -> str:
    """Return a section in blocks of at most 100 entries with their count.

    An entry has two or three tokens; a list in brackets counts as one token.
    """
    size = 2 if name.endswith("char") or name == "codespacerange" else 3
    is_text = name.startswith("bf")
    entries: list[str] = []
    entry: list[str] = []
    count, is_list = 0, False  # tokens of the entry, a list being one
    for word in tokens:
        entry.append(word)
        count += not is_list
        is_list = word == "[" or (is_list and word != "]")
        if count == size and not is_list:
            codes, target = entry[: size - is_text], entry[size - is_text :]
            if all(len(code) <= LONGEST_CODE + 2 for code in codes):
                entries.append(" ".join([*codes, *map(_shortened, target)]))
            entry, count = [], 0
    return "".join(
        f"{len(some)} begin{name}\n" + "\n".join(some) + f"\nend{name}\n"
        for some in (entries[start : start + 100] for start in range(0, len(entries), 100))
    )


def _shortened(text: str) -> str:
    """Return the characters that a code stands for, if they are more than the longest ligature, without the others."""
    return f"<{text[1:-1][:LONGEST_TEXT]}>" if text.startswith("<") else text[:LONGEST_CODE]


def _add_drawn_glyphs(
    copier: "Copier", value: Dictionary, clean: Dictionary, new_names: dict[str, str]
) -> None:
    """Copy the glyphs of a Type 3 font under their new names: content streams that use the font's resources."""
    resources, drawings = value.get("/Resources"), value.get("/CharProcs")
    own = resources if isinstance(resources, Dictionary) else Dictionary()
    clean["/CharProcs"], clean["/Resources"] = Dictionary(), Dictionary()
    for name, glyph in drawings.items() if isinstance(drawings, Dictionary) else []:
        if not isinstance(glyph, Stream) or name not in new_names:  # a glyph without a code is never drawn
            continue
        used, text = cleaned_content(copier, copier.decoded(glyph), own)
        for category, resources_used in used.items():
            if category not in clean["/Resources"]:
                clean["/Resources"][category] = Dictionary()
            for key, item in resources_used.items():
                clean["/Resources"][category][key] = item
        clean["/CharProcs"][new_names[name]] = copier.stream(text)
