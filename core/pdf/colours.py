"""Colour spaces without profiles, which can contain texts, and the functions of tints and shadings."""

import math
import re
from typing import TYPE_CHECKING, Any

from pikepdf import Array, Dictionary, Name, Stream, String

from core.pdf.rules import TooMuch, number, numbers

if TYPE_CHECKING:
    from core.pdf.copier import Copier

DEVICES = {1: Name.DeviceGray, 3: Name.DeviceRGB, 4: Name.DeviceCMYK}
SHORT = {"/G": Name.DeviceGray, "/RGB": Name.DeviceRGB, "/CMYK": Name.DeviceCMYK, "/I": Name.Indexed}
COMPONENTS = {"/DeviceGray": 1, "/CalGray": 1, "/DeviceRGB": 3, "/CalRGB": 3, "/Lab": 3, "/DeviceCMYK": 4}
MOST_INKS = 32
INKS = {"/All", "/None", "/Cyan", "/Magenta", "/Yellow", "/Black"}  # whose names mean something
MOST_SAMPLES = 32 * 1024  # bytes of one function; more could be a photo
# PostScript calculator functions consist of numbers, braces and these words.
_WORDS = (
    "abs|add|atan|ceiling|cos|cvi|cvr|div|exp|floor|idiv|ln|log|mod|mul|neg|round|sin|sqrt|sub|truncate|and|bitshift|"
    "eq|false|ge|gt|le|lt|ne|not|or|true|xor|ifelse|if|copy|dup|exch|index|pop|roll"
)
_TOKEN = re.compile(rf"[{{}}]|-?[0-9]*\.?[0-9]+|(?:{_WORDS})(?![a-z])")


def components(space: Any) -> int:
    """Return how many numbers a colour has in a cleaned colour space; 0 if it has none."""
    if isinstance(space, Name):
        return COMPONENTS.get(str(space), 0)
    if not isinstance(space, Array) or not len(space):
        return 0
    kind = str(space[0])
    if kind in ("/Indexed", "/Separation"):
        return 1
    return len(space[1]) if kind == "/DeviceN" else COMPONENTS.get(kind, 0)


def colour_space(copier: "Copier", value: Any, *, depth: int = 4) -> Any:
    """Clean a colour space; an ICC profile becomes the device space with as many components."""
    if isinstance(value, Name):
        value = SHORT.get(str(value), value)
        return value if str(value) in ("/DeviceGray", "/DeviceRGB", "/DeviceCMYK", "/Pattern") else None
    if not isinstance(value, Array) or not len(value) or not isinstance(value[0], Name) or not depth:
        return None
    kind = str(SHORT.get(str(value[0]), value[0]))
    rest = list(value)[1:]
    if not rest:
        return colour_space(copier, value[0])
    if kind == "/ICCBased":
        count = rest[0].get("/N") if isinstance(rest[0], Stream) else None
        return DEVICES.get(count) if isinstance(count, int) else None
    if kind in ("/CalGray", "/CalRGB", "/Lab"):
        return _calibrated(copier, kind, rest[0])
    if kind == "/Pattern":
        base = colour_space(copier, rest[0], depth=depth - 1)
        return Array([Name.Pattern, base]) if base is not None else Name.Pattern
    if kind == "/Indexed" and len(rest) >= 3:
        return _indexed(copier, rest, depth)
    if kind in ("/Separation", "/DeviceN") and len(rest) >= 3:
        return _inks(copier, kind, rest, depth)
    return None


def _calibrated(copier: "Copier", kind: str, value: Any) -> Any:

    if not isinstance(value, Dictionary):
        return None
    rules = dict.fromkeys(("/WhitePoint", "/BlackPoint", "/Matrix", "/Range"), numbers)
    gamma = number if kind == "/CalGray" else numbers
    return Array([Name(kind), copier.filtered(value, {**rules, "/Gamma": gamma})])


def _indexed(copier: "Copier", rest: list[Any], depth: int) -> Any:
    base, highest, table = colour_space(copier, rest[0], depth=depth - 1), rest[1], rest[2]
    if base is None or not isinstance(highest, int) or not 0 <= highest <= 255:
        return None
    data = (
        copier.decoded(table)
        if isinstance(table, Stream)
        else bytes(table)
        if isinstance(table, String)
        else b""
    )
    size = (highest + 1) * components(base)
    return Array([Name.Indexed, base, highest, String(data[:size].ljust(size, b"\0"))])


def _inks(copier: "Copier", kind: str, rest: list[Any], depth: int) -> Any:

    names = list(rest[0]) if isinstance(rest[0], Array) else [rest[0]]
    inks = [name if str(name) in INKS else copier.new_name("Ink") for name in names if isinstance(name, Name)]
    other, tint = colour_space(copier, rest[1], depth=depth - 1), function(copier, rest[2])
    if not 1 <= len(inks) == len(names) <= MOST_INKS or other is None or tint is None:
        return None
    return Array([Name(kind), inks[0] if kind == "/Separation" else Array(inks), other, tint])


def _sample_counts(_copier: "Copier | None", value: Any) -> Any:
    """Return how many samples a function has for each input, if it has no more inputs than a colour has inks."""
    if not isinstance(value, Array) or not 1 <= len(value) <= MOST_INKS:
        return None
    return Array(list(value)) if all(type(count) is int and count > 0 for count in value) else None


def _size_of_samples(clean: Dictionary) -> int:
    """Return how many bytes a sampled function's table has: samples times outputs times bits, rounded up."""
    count = math.prod(int(side) for side in clean["/Size"])
    return (count * (len(clean.get("/Range", Array())) // 2) * int(clean.get("/BitsPerSample", 8)) + 7) // 8


def function(copier: "Copier", value: Any, *, depth: int = 4) -> Any:
    """Clean a function, or an array of functions; the names "Identity" and "Default" are dropped.

    Raises TooMuch for a large table of samples.
    """

    if isinstance(value, Array) and len(value) <= MOST_INKS and depth:
        found = [function(copier, item, depth=depth - 1) for item in value]
        return Array(found) if found and all(item is not None for item in found) else None
    if not isinstance(value, Dictionary | Stream) or not depth:
        return None
    spec = {
        **dict.fromkeys(("/FunctionType", "/N", "/BitsPerSample", "/Order"), number),
        **dict.fromkeys(("/Domain", "/Range", "/C0", "/C1", "/Bounds", "/Encode", "/Decode"), numbers),
        "/Size": _sample_counts,
        "/Functions": lambda inner, item: function(inner, item, depth=depth - 1),
    }
    clean, kind = copier.filtered(value, spec), value.get("/FunctionType")
    if not isinstance(value, Stream):
        return clean if kind in (2, 3) else None
    data = copier.decoded(value)
    if kind == 0:
        if "/Size" not in clean:
            return None
        size = _size_of_samples(clean)
        if size > MOST_SAMPLES:
            raise TooMuch
        data = data[:size]
    elif kind != 4:
        return None
    else:
        words = (token[0] for token in _TOKEN.finditer(re.sub(r"%[^\r\n]*", " ", data.decode("latin-1"))))
        data = " ".join(words).encode()
    stream = copier.stream(data)
    for key, item in clean.items():
        stream[key] = item
    return stream
