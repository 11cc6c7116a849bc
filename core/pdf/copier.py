"""The allow-list of keys and values for each kind of PDF object, and copying objects by it."""

import zlib
from collections import Counter
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from core.pdf import colours, content, fonts, pictures
from core.pdf.rules import (
    INTENT,
    Rule,
    Spec,
    TooMuch,
    Unsupported,
    boolean,
    booleans,
    dictionary,
    number,
    numbers,
    one_of,
)

MOST_DECODED_IN_ALL = 512 * 1024 * 1024  # bytes of all streams
MOST_PIXELS_IN_ALL = 400_000_000
DEEPEST = 25  # nesting of forms, patterns, fonts …
OLD_FILTERS = {"/LZWDecode", "/LZW", "/Crypt"}  # LZW can't be limited; Crypt belongs to encrypted files

GROUP: Spec = {
    "/S": one_of("Transparency"),
    "/CS": colours.colour_space,
    "/I": boolean,
    "/K": boolean,
}
FORM: Spec = {"/BBox": numbers, "/Matrix": numbers, "/Group": lambda copier, value: copier.group(value)}
TILE: Spec = {
    "/PatternType": number,
    "/PaintType": number,
    "/TilingType": number,
    "/BBox": numbers,
    "/XStep": number,
    "/YStep": number,
    "/Matrix": numbers,
}
SHADING: Spec = {
    "/ShadingType": number,
    "/ColorSpace": colours.colour_space,
    "/Background": numbers,
    "/BBox": numbers,
    "/AntiAlias": boolean,
    "/Domain": numbers,
    "/Matrix": numbers,
    "/Function": colours.function,
    "/Coords": numbers,
    "/Extend": booleans,
}
SEPARABLE = (
    "Normal",
    "Compatible",
    "Multiply",
    "Screen",
    "Overlay",
    "Darken",
    "Lighten",
    "ColorDodge",
    "ColorBurn",
)
BLENDS = (
    *SEPARABLE,
    "HardLight",
    "SoftLight",
    "Difference",
    "Exclusion",
    "Hue",
    "Saturation",
    "Color",
    "Luminosity",
)


def _blend(copier: "Copier", value: Any) -> Any:
    known = one_of(*BLENDS)
    if isinstance(value, Array):
        value = next((item for item in value if known(copier, item) is not None), None)
    return known(copier, value)


def _mask(copier: "Copier", value: Any) -> Any:
    if isinstance(value, Dictionary):
        found = copier.filtered(value, MASK)
        return found if "/G" in found else None
    return one_of("None")(copier, value)


def _font_and_size(copier: "Copier", value: Any) -> Any:
    if not isinstance(value, Array) or len(value) != 2 or number(None, value[1]) is None:
        return None
    font = copier.once(value[0], fonts.font)
    return Array([font, value[1]]) if font is not None else None


MASK: Spec = {
    "/S": one_of("Alpha", "Luminosity"),
    "/G": lambda copier, value: copier.once(value, copier.drawn(FORM, Subtype=Name.Form)),
    "/BC": numbers,
    "/TR": colours.function,
}
STATE: Spec = {
    **dict.fromkeys(("/LW", "/LC", "/LJ", "/ML", "/OPM", "/FL", "/SM", "/CA", "/ca"), number),
    **dict.fromkeys(("/OP", "/op", "/SA", "/AIS", "/TK"), boolean),
    "/D": numbers,
    "/RI": INTENT,
    "/BM": _blend,
    "/SMask": _mask,
    "/Font": _font_and_size,
}


class Copier:
    """Copies what pages use into a new document, shared objects once. Counts its work; raises TooMuch at a limit."""

    def __init__(self, target: pikepdf.Pdf) -> None:
        self.target = target
        self.scratch = pikepdf.new()
        # Of the content streams being read, the innermost last: a form without resources uses the outer ones.
        self.resources: list[Dictionary] = []
        self.has_font = [False]  # whether each of them would draw a text now
        self._copies: dict[tuple[Any, Any], Any] = {}
        self._names: Counter[str] = Counter()
        self._depth = self._bytes = self._operators = self._pixels = 0
        self._inline = self._codes = 0

    # --- limits

    def decoded(self, stream: Stream) -> bytes:
        """Return the stream's decoded bytes. qpdf limits each filter; here the sum of all streams is limited."""
        if OLD_FILTERS & set(pictures.filters_of(stream)):
            raise Unsupported
        data = stream.read_bytes(decode_level=pikepdf.StreamDecodeLevel.specialized)
        self.count_bytes(len(data))
        return data

    def count_bytes(self, count: int) -> None:
        """Count decoded bytes."""
        self._bytes += count
        if self._bytes > MOST_DECODED_IN_ALL:
            raise TooMuch

    def count_pixels(self, count: int) -> None:
        """Count the pixels of a picture."""
        self._pixels += count
        if self._pixels > MOST_PIXELS_IN_ALL:
            raise TooMuch

    def count_operators(self, count: int) -> None:
        """Count the operators of one content stream, limited by themselves and in sum."""
        self._operators += count
        if count > content.MOST_OPERATORS or self._operators > content.MOST_OPERATORS_IN_ALL:
            raise TooMuch

    def count_code(self) -> None:
        """Count one code of a character map."""
        self._codes += 1
        if self._codes > fonts.MOST_CODES_IN_ALL:
            raise TooMuch

    def count_inline_picture(self) -> None:
        """Count one inline picture."""
        self._inline += 1
        if self._inline > content.MOST_INLINE_PICTURES:
            raise TooMuch

    # --- copying

    def new_name(self, letter: str = "N") -> Name:
        """Return a new name for a resource or font: the old names could contain anything."""
        self._names[letter] += 1
        return Name(f"/{letter}{self._names[letter]}")

    def stream(self, data: bytes, **keys: Any) -> Stream:
        """Return a stream of the new document, compressed at once to save memory."""
        return self.target.make_stream(zlib.compress(data), Dictionary(Filter=Name.FlateDecode, **keys))

    def filtered(self, value: Dictionary | Stream, spec: Spec) -> Dictionary:
        """Return a dictionary with the keys of `spec` whose values their rules allow."""
        clean = Dictionary()
        for key, rule in spec.items():
            found = rule(self, value.get(key)) if key in value else None
            if found is not None:
                clean[key] = found
        return clean

    def once(self, value: Any, rule: Rule) -> Any:
        """Apply the rule to a value; an indirect object is copied once, and is None inside itself, which ends loops."""
        key = (value.objgen, rule) if getattr(value, "is_indirect", False) else None
        if key and key in self._copies:
            return self._copies[key]
        if self._depth > DEEPEST:
            raise TooMuch
        if key:
            self._copies[key] = None
        self._depth += 1
        found = rule(self, value)
        self._depth -= 1
        if isinstance(found, Dictionary) and not found.is_indirect:
            found = self.target.make_indirect(found)
        if key:
            self._copies[key] = found
        return found

    def drawn(self, spec: Spec, **fixed: Any) -> Rule:
        """Return the rule for an object with a content stream: a form or a tile."""
        key = (id(spec), tuple(fixed))
        if key not in _DRAWN:
            _DRAWN[key] = lambda copier, value: copier._drawn(value, spec, fixed)
        return _DRAWN[key]

    def _drawn(self, value: Any, spec: Spec, fixed: dict[str, Any]) -> Any:
        if not isinstance(value, Stream):
            return None
        own = value.get("/Resources")
        clean = self.filtered(value, spec)
        clean["/Resources"], text = content.cleaned_content(
            self, self.decoded(value), own if isinstance(own, Dictionary) else self.current_resources()
        )
        stream = self.stream(text)
        for key, item in {
            **dict(clean.items()),
            **{f"/{name}": item for name, item in fixed.items()},
        }.items():
            stream[key] = item
        return stream

    def current_resources(self) -> Dictionary:
        """Return the resources of the content stream that is being read."""
        return self.resources[-1] if self.resources else Dictionary()

    def group(self, value: Any) -> Any:
        """Clean a transparency group; None if it has no subtype."""
        found = self.filtered(value, GROUP) if isinstance(value, Dictionary) else Dictionary()
        return found if "/S" in found else None

    def picture(self, value: Any, *, space: Any = None) -> Any:
        """Clean a picture; `space` is its colour space, if not the one of its own dictionary."""
        return pictures.picture(self, value, space=space)

    def resource(self, category: str, value: Any) -> Any:
        """Copy a resource by its category, such as `/Font`."""
        return self.once(value, RULES[category])


_DRAWN: dict[Any, Rule] = {}


def _x_object(copier: Copier, value: Any) -> Any:
    if not isinstance(value, Stream):
        return None
    if value.get("/Subtype") == Name.Image:
        return pictures.picture(copier, value)
    return (
        copier._drawn(value, FORM, {"Type": Name.XObject, "Subtype": Name.Form})
        if value.get("/Subtype") == Name.Form
        else None
    )


def shading(copier: Copier, value: Any) -> Any:
    """Clean a shading; raises Unsupported for a mesh."""
    if isinstance(value, Stream):  # a mesh: any bytes are valid points and colours, even those of a photo
        raise Unsupported
    return copier.filtered(value, SHADING) if isinstance(value, Dictionary) else None


def _pattern(copier: Copier, value: Any) -> Any:
    if isinstance(value, Stream):
        return copier._drawn(value, TILE, {"Type": Name.Pattern})
    if not isinstance(value, Dictionary):
        return None
    return copier.filtered(
        value,
        {
            "/PatternType": number,
            "/Shading": lambda inner, item: inner.once(item, shading),
            "/Matrix": numbers,
            "/ExtGState": lambda inner, item: inner.once(item, dictionary(STATE)),
        },
    )


_state = dictionary(STATE)
RULES: dict[str, Rule] = {
    "/ExtGState": _state,
    "/XObject": _x_object,
    "/Shading": shading,
    "/Font": fonts.font,
    "/ColorSpace": colours.colour_space,
    "/Pattern": _pattern,
}
