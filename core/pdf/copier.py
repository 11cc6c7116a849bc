"""The allow-list: of each kind of object the keys that are kept and what may stand under each, and copying by it."""

import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from core.pdf import colours, content, fonts, pictures
from core.pdf.rules import (
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
DEEPEST = 25  # forms in patterns in fonts …
OLD_FILTERS = {
    "/LZWDecode",
    "/LZW",
    "/Crypt",
}  # no bound can be set on the first; the second is of locked files

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
    "/RI": one_of("AbsoluteColorimetric", "RelativeColorimetric", "Saturation", "Perceptual"),
    "/BM": _blend,
    "/SMask": _mask,
    "/Font": _font_and_size,
}


class Copier:
    """Carries what pages draw with into a new document; what two of them share is made once."""

    def __init__(self, target: pikepdf.Pdf) -> None:
        self.target = target
        self.scratch = pikepdf.new()
        self.resources: list[
            Dictionary
        ] = []  # of the contents that are being read: a form without any has its page's
        self._made: dict[tuple[Any, Any], Any] = {}
        self._depth = self._bytes = self._operators = self._pixels = self._names = self._inline = 0

    # --- bounds

    def decoded(self, stream: Stream) -> bytes:
        """The stream's bytes without any filter. qpdf bounds each filter; all of them together are bounded here."""
        if OLD_FILTERS & set(pictures.filters_of(stream)):
            raise Unsupported
        data = stream.read_bytes(decode_level=pikepdf.StreamDecodeLevel.specialized)
        self.count_bytes(len(data))
        return data

    def count_bytes(self, count: int) -> None:
        self._bytes += count
        if self._bytes > MOST_DECODED_IN_ALL:
            raise TooMuch

    def count_pixels(self, count: int) -> None:
        self._pixels += count
        if self._pixels > MOST_PIXELS_IN_ALL:
            raise TooMuch

    def count_operators(self, count: int) -> None:
        self._operators += count
        if count > content.MOST_OPERATORS or self._operators > content.MOST_OPERATORS_IN_ALL:
            raise TooMuch

    def count_inline_picture(self) -> None:
        self._inline += 1
        if self._inline > content.MOST_INLINE_PICTURES:
            raise TooMuch

    # --- making

    def new_name(self) -> Name:
        """A name for what a content draws with: those of the old document say nothing to anybody."""
        self._names += 1
        return Name(f"/N{self._names}")

    def stream(self, data: bytes, **keys: Any) -> Stream:
        """A stream of the new document, packed at once so that memory holds it small."""
        return self.target.make_stream(zlib.compress(data), Dictionary(Filter=Name.FlateDecode, **keys))

    def filtered(self, value: Dictionary | Stream, spec: Spec) -> Dictionary:
        """The keys of the allow-list whose values are what belongs there."""
        made = Dictionary()
        for key, rule in spec.items():
            found = rule(self, value.get(key)) if key in value else None
            if found is not None:
                made[key] = found
        return made

    def once(self, value: Any, rule: Rule) -> Any:
        """What the rule makes of a value; of an object that is met again, what was made then. A loop ends at None."""
        key = (value.objgen, rule) if getattr(value, "is_indirect", False) else None
        if key and key in self._made:
            return self._made[key]
        if self._depth > DEEPEST:
            raise TooMuch
        if key:
            self._made[key] = None
        self._depth += 1
        found = rule(self, value)
        self._depth -= 1
        if isinstance(found, Dictionary) and not found.is_indirect:
            found = self.target.make_indirect(found)
        if key:
            self._made[key] = found
        return found

    def drawn(self, spec: Spec, **fixed: Any) -> Rule:
        """The rule of a stream with a content: a form or a tile."""
        key = (id(spec), tuple(fixed))
        if key not in _DRAWN:
            _DRAWN[key] = lambda copier, value: copier._drawn(value, spec, fixed)
        return _DRAWN[key]

    def _drawn(self, value: Any, spec: Spec, fixed: dict[str, Any]) -> Any:
        if not isinstance(value, Stream):
            return None
        own = value.get("/Resources")
        made = self.filtered(value, spec)
        made["/Resources"], text = content.cleaned_content(
            self, self.decoded(value), own if isinstance(own, Dictionary) else self.around()
        )
        stream = self.stream(text)
        for key, item in {**dict(made.items()), **{f"/{name}": item for name, item in fixed.items()}}.items():
            stream[key] = item
        return stream

    def around(self) -> Dictionary:
        """Resources of the content that is being read."""
        return self.resources[-1] if self.resources else Dictionary()

    def group(self, value: Any) -> Any:
        """A transparency group."""
        found = self.filtered(value, GROUP) if isinstance(value, Dictionary) else Dictionary()
        return found if "/S" in found else None

    def picture(self, value: Any, *, space: Any = None) -> Any:
        """A picture; `space` is its colour space, where another one than its own is meant."""
        return pictures.picture(self, value, space=space)

    def resource(self, category: str, value: Any) -> Any:
        """Something that a content names, by the category it is named in."""
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
    if isinstance(value, Stream):  # a mesh: any bytes are points and colours, a whole photo too
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
