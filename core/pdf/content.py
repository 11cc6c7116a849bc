"""Content streams: only operators that draw are kept, each with operands of the right types."""

import re
import warnings
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pikepdf
from pikepdf import Array, Dictionary, Name

from core.pdf.rules import INTENT

if TYPE_CHECKING:
    from core.pdf.copier import Copier

MOST_OPERATORS = 200_000  # of one content stream; each takes half a kilobyte while it is parsed
MOST_OPERATORS_IN_ALL = 600_000
MOST_INLINE_PICTURES = 1000  # of a document
_OPERATOR = re.compile(rb"[A-Za-z'\"*]+")
# Operands by operator: n number, / name of a resource, i rendering intent, s string, a array of numbers, t array of
# strings and numbers, c numbers of a colour, p the same and perhaps a pattern. Operators that aren't listed, as of
# marked content and compatibility sections, draw nothing.
OPERATORS = {
    **dict.fromkeys(("q", "Q", "h", "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "n", "W", "W*"), ""),
    **dict.fromkeys(("BT", "ET", "T*"), ""),
    **dict.fromkeys(("w", "J", "j", "M", "i", "G", "g", "Tc", "Tw", "Tz", "TL", "Tr", "Ts"), "n"),
    **dict.fromkeys(("m", "l", "Td", "TD", "d0"), "nn"),
    **dict.fromkeys(("RG", "rg"), "nnn"),
    **dict.fromkeys(("v", "y", "re", "K", "k"), "nnnn"),
    **dict.fromkeys(("cm", "c", "Tm", "d1"), "nnnnnn"),
    **dict.fromkeys(("gs", "CS", "cs", "sh", "Do"), "/"),
    **dict.fromkeys(("SC", "sc"), "c"),
    **dict.fromkeys(("SCN", "scn"), "p"),
    "ri": "i",
    **dict.fromkeys(("Tj", "'"), "s"),
    "d": "an",
    "Tf": "/n",
    '"': "nns",
    "TJ": "t",
}
SHOWING = {"Tj", "TJ", "'", '"'}  # operators that draw a text
# The resource category in which an operator's name is looked up.
CATEGORIES = {
    "gs": "/ExtGState",
    "Do": "/XObject",
    "sh": "/Shading",
    "Tf": "/Font",
    "CS": "/ColorSpace",
    "cs": "/ColorSpace",
    "SCN": "/Pattern",
    "scn": "/Pattern",
}


def cleaned_content(copier: "Copier", text: bytes, resources: Dictionary) -> tuple[Dictionary, bytes]:
    """Return new resources and the new content stream; `resources` are those of the old one."""
    copier.count_operators(sum(1 for _found in _OPERATOR.finditer(text)))
    copier.resources.append(resources)
    copier.has_font.append(copier.has_font[-1])  # a form begins with the font outside
    saved: list[bool] = []
    is_text = False
    instructions: list[Any] = []
    used, renamed = Dictionary(), {}
    for instruction in _instructions(copier, text):
        if isinstance(instruction, pikepdf.ContentStreamInlineImage):
            copier.count_inline_picture()
            name = _extract_inline_picture(copier, instruction, resources, used)
            instructions += [([name], pikepdf.Operator("Do"))] if name else []
            continue
        operator = str(instruction.operator)
        operands = _operands(operator, list(instruction.operands))
        if operands is None or (operator in SHOWING and not (is_text and copier.has_font[-1])):
            continue
        for index, named in enumerate(operands):
            if operator in CATEGORIES and isinstance(named, Name) and not _is_device(operator, named):
                key = (CATEGORIES[operator], str(named))
                if key not in renamed:
                    renamed[key] = _copy_resource(copier, *key, resources, used)
                operands[index] = renamed[key]
        if None in operands:
            continue
        instructions.append((operands, pikepdf.Operator(operator)))
        if operator in ("BT", "ET"):
            is_text = operator == "BT"
        elif operator == "q":
            saved.append(copier.has_font[-1])
        elif operator == "Q" and saved:
            copier.has_font[-1] = saved.pop()
        elif operator == "Tf" or (operator == "gs" and "/Font" in used["/ExtGState"][str(operands[0])]):
            copier.has_font[-1] = True
    copier.resources.pop()
    copier.has_font.pop()
    return used, pikepdf.unparse_content_stream(instructions)


def _instructions(copier: "Copier", text: bytes) -> Any:
    """Parse the instructions; of a stream that is cut off, those before the cut."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pikepdf.parse_content_stream(copier.scratch.make_stream(text))


def _copy_resource(
    copier: "Copier", category: str, name: str, resources: Dictionary, used: Dictionary
) -> Name | None:
    """Copy a resource that the content names, and return its new name; None if nothing of it is allowed."""
    named = resources.get(category)
    value = named.get(name) if isinstance(named, Dictionary) else None
    found = copier.resource(category, value) if value is not None else None
    return None if found is None else _add_resource(copier, category, found, used)


def _add_resource(copier: "Copier", category: str, found: Any, used: Dictionary) -> Name:
    if category not in used:
        used[category] = Dictionary()
    name = copier.new_name()
    used[category][str(name)] = found
    return name


def _extract_inline_picture(
    copier: "Copier", instruction: Any, resources: Dictionary, used: Dictionary
) -> Name | None:
    """Move an inline picture into the resources and return its name; None if it isn't allowed."""
    inline = instruction.iimage
    picture = copier.scratch.make_stream(inline.read_raw_bytes())
    for key, value in inline.obj.items():
        picture[key] = value
    space = picture.get("/ColorSpace")
    spaces = resources.get("/ColorSpace")
    if isinstance(space, Name) and isinstance(spaces, Dictionary) and str(space) in spaces:
        space = spaces.get(str(space))
    found = copier.picture(picture, space=space)
    if found is None:
        return None
    return _add_resource(copier, "/XObject", found, used)


def _is_device(operator: str, name: Name) -> bool:
    return operator in ("CS", "cs") and str(name) in ("/DeviceGray", "/DeviceRGB", "/DeviceCMYK", "/Pattern")


def _operands(operator: str, given: list[Any]) -> list[Any] | None:
    """Return the operands that the operator takes, from the end of those given; None if they don't fit."""
    wanted = OPERATORS.get(operator)
    if wanted is None:
        return None
    if wanted in ("c", "p"):
        values = given[:-1] if wanted == "p" and given and isinstance(given[-1], Name) else given
        return given if len(given) <= 33 and all(map(_is_number, values)) else None
    given = given[len(given) - len(wanted) :] if len(given) >= len(wanted) else []
    if len(given) != len(wanted) or not all(map(_fits, wanted, given)):
        return None
    return given


def _fits(kind: str, value: Any) -> bool:
    if kind == "n":
        return _is_number(value)
    if kind == "/":
        return isinstance(value, Name)
    if kind == "i":
        return INTENT(None, value) is not None
    if kind == "s":
        return isinstance(value, pikepdf.String | str)
    if not isinstance(value, Array):
        return False
    return all(_is_number(item) or (kind == "t" and isinstance(item, pikepdf.String | str)) for item in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
