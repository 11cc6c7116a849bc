"""A PDF made anew from another's pages.

Nothing is copied as it stands. A new document gets the pages' sizes, contents and what these draw with, each key by
the allow-list of `copier`; everything else stays behind: scripts and actions anywhere, forms, annotations (what they
show becomes part of the page), links, attachments, metadata, private data of programs, thumbnails, alternate texts,
layers. Pictures are decoded and encoded anew, contents are read and written instruction by instruction.
"""

import io
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from core.pdf.content import cleaned_content
from core.pdf.copier import Copier
from core.pdf.rules import TooMuch, numbers

MOST_PAGES = 300
MOST_OBJECTS = 100_000
MOST_DECODED = 128 * 1024 * 1024  # bytes of one stream
SIZES = ("/MediaBox", "/CropBox")
INHERITED = (*SIZES, "/Rotate", "/Resources")

pikepdf.settings.set_qpdf_limits(
    flate_max_memory=MOST_DECODED,
    png_max_memory=MOST_DECODED,
    run_length_max_memory=MOST_DECODED,
    tiff_max_memory=MOST_DECODED,
    dct_max_memory=MOST_DECODED,
    doc_max_warnings=1000,
)


class WrongPages(ValueError):
    """It has no page, or too many."""


class HiddenLayers(ValueError):
    """Something in it isn't shown: nobody knows whether it was meant to be handed over."""


def remade(data: bytes) -> bytes:
    """Return a new PDF with the same pages.

    Raises pikepdf's own errors for what is damaged or locked, `WrongPages`, `HiddenLayers`, `TooMuch` for what would
    take too long or too much memory, `Unsupported` for a picture or filter that can't be decoded here.
    """
    with pikepdf.open(io.BytesIO(data), attempt_recovery=False) as source, pikepdf.new() as target:
        if len(source.objects) > MOST_OBJECTS:
            raise TooMuch
        if not 1 <= len(source.pages) <= MOST_PAGES:
            raise WrongPages
        _check_layers(source.Root.get("/OCProperties"))
        _check_conditions(source)
        source.generate_appearance_streams()
        source.flatten_annotations("screen")
        copier = Copier(target)
        for page in source.pages:
            target.pages.append(pikepdf.Page(_page(copier, page)))
        written = io.BytesIO()
        target.save(
            written,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
            fix_metadata_version=False,
        )
    return written.getvalue()


def _check_layers(layers: Any) -> None:
    """Layers that are all shown become part of the page; one that is off would come to light, or be lost."""
    if layers is None:
        return
    default = layers.get("/D", Dictionary()) if isinstance(layers, Dictionary) else None
    if not isinstance(default, Dictionary):
        raise HiddenLayers
    off = default.get("/OFF", Array())
    if default.get("/BaseState", Name.ON) != Name.ON or not isinstance(off, Array) or len(off):
        raise HiddenLayers
    if "/AS" in default:  # a viewer hides layers by itself: on the screen, on paper, by zoom or by language
        raise HiddenLayers


def _check_conditions(source: pikepdf.Pdf) -> None:
    """Conditions can hide a content whose layers are all shown: "when this layer is off", "not this layer"."""
    for found in source.objects:
        waiting: list[Any] = [found]
        while waiting:
            value = waiting.pop()
            if isinstance(value, Stream):
                value = value.stream_dict
            if isinstance(value, Dictionary):
                if _hides(value):
                    raise HiddenLayers
                inner = [item for _key, item in value.items()]
            else:
                inner = list(value) if isinstance(value, Array) else []
            waiting += [
                item
                for item in inner
                if isinstance(item, Dictionary | Array)
                and not item.is_indirect  # indirect ones come by themselves
            ]


def _hides(value: Dictionary) -> bool:
    """Whether it is a condition (`/OCMD`) that asks for more than that layers are on."""
    condition = value.get("/VE")
    if isinstance(condition, Array) and len(condition) and condition[0] in (Name.And, Name.Or, Name.Not):
        return True
    if value.get("/Type") != Name.OCMD and "/OCGs" not in value:
        return False
    return condition is not None or value.get("/P", Name.AnyOn) not in (Name.AnyOn, Name.AllOn)


def _page(copier: Copier, page: pikepdf.Page) -> Dictionary:
    found = {name: _inherited(page.obj, name) for name in INHERITED}
    resources = found["/Resources"] if isinstance(found["/Resources"], Dictionary) else Dictionary()
    made = Dictionary(Type=Name.Page)
    for name in SIZES:
        box = numbers(copier, found[name])
        if box is not None and len(box) == 4:
            made[name] = box
    if "/MediaBox" not in made:
        made["/MediaBox"] = Array([0, 0, 595, 842])  # A4
    rotated = found["/Rotate"]
    if isinstance(rotated, int) and rotated % 90 == 0:
        made["/Rotate"] = rotated % 360
    scale = page.obj.get("/UserUnit")
    if isinstance(scale, int) and 1 <= scale <= 100:
        made["/UserUnit"] = scale
    group = copier.group(page.obj.get("/Group"))
    if group is not None:
        made["/Group"] = group
    contents = page.obj.get("/Contents")
    parts = list(contents) if isinstance(contents, Array) else [contents]
    text = b"\n".join(copier.decoded(part) for part in parts if isinstance(part, pikepdf.Stream))
    made["/Resources"], content = cleaned_content(copier, text, resources)
    made["/Contents"] = copier.stream(content)
    return copier.target.make_indirect(made)


def _inherited(node: Any, name: str) -> Any:
    """A page's own value, or that of the nearest node of the tree above it."""
    for _level in range(100):
        if not isinstance(node, Dictionary):
            return None
        if name in node:
            return node.get(name)
        node = node.get("/Parent")
    raise TooMuch
