"""Rebuild a PDF from its pages.

Nothing is copied unchecked. The new document gets the pages' sizes, contents and the resources that the contents use,
each key by the allow-list of `copier`. Everything else is dropped: scripts, actions, forms, annotations (their
appearance becomes part of the page), links, attachments, metadata, private data of programs, thumbnails, alternate
texts, layers. Pictures are decoded and encoded again, contents are parsed and written instruction by instruction.
"""

import io
from collections import Counter
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from core.pdf.content import cleaned_content
from core.pdf.copier import Copier
from core.pdf.rules import TooMuch, numbers

MOST_PAGES = 300
MOST_OBJECTS = 100_000
MOST_REPEATS = 10  # of one stream in the contents of a page; 150 kB, used 400 times, became 60 MB
MOST_DECODED = 128 * 1024 * 1024  # bytes of one stream
PASSWORD_FIELD = 1 << 13  # of the flags of a form field
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
    """The PDF has no page, or too many."""


class HiddenLayers(ValueError):
    """The PDF has hidden content, and it isn't known whether it was meant to be uploaded."""


def remade(data: bytes) -> bytes:
    """Return a new PDF with the same pages.

    Raises pikepdf's errors for a damaged or encrypted file, WrongPages, HiddenLayers, TooMuch for a file that would
    take too long or too much memory, and Unsupported for a picture or filter that can't be decoded here.
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
    """Raise HiddenLayers unless all layers are shown. Layers become part of the page, so a hidden one would show."""
    if layers is None:
        return
    default = layers.get("/D", Dictionary()) if isinstance(layers, Dictionary) else None
    if not isinstance(default, Dictionary):
        raise HiddenLayers
    off = default.get("/OFF", Array())
    if default.get("/BaseState", Name.ON) != Name.ON or not isinstance(off, Array) or len(off):
        raise HiddenLayers
    if "/AS" in default:  # viewers show or hide layers by themselves: on screen or paper, by zoom or language
        raise HiddenLayers


def _check_conditions(source: pikepdf.Pdf) -> None:
    """Raise HiddenLayers for what hides content though all layers are on, such as "if this layer is off"."""
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
                and not item.is_indirect  # indirect ones are in source.objects
            ]


def _hides(value: Dictionary) -> bool:
    """Return whether this is a password field, or a visibility condition (`/OCMD`) other than that layers are on.

    A viewer shows dots for a password, and a flattened field would show it.
    """
    flags = value.get("/Ff")
    if isinstance(flags, int) and flags & PASSWORD_FIELD:
        return True
    condition = value.get("/VE")
    if isinstance(condition, Array) and len(condition) and condition[0] in (Name.And, Name.Or, Name.Not):
        return True
    if value.get("/Type") != Name.OCMD and "/OCGs" not in value:
        return False
    return condition is not None or value.get("/P", Name.AnyOn) not in (Name.AnyOn, Name.AllOn)


def _page(copier: Copier, page: pikepdf.Page) -> Dictionary:
    """Return a new page with the size, rotation and contents of another."""
    found = {name: _inherited(page.obj, name) for name in INHERITED}
    resources = found["/Resources"] if isinstance(found["/Resources"], Dictionary) else Dictionary()
    clean = Dictionary(Type=Name.Page)
    for name in SIZES:
        box = numbers(copier, found[name])
        if box is not None and len(box) == 4:
            clean[name] = box
    if "/MediaBox" not in clean:
        clean["/MediaBox"] = Array([0, 0, 595, 842])  # A4
    rotated = found["/Rotate"]
    if isinstance(rotated, int) and rotated % 90 == 0:
        clean["/Rotate"] = rotated % 360
    scale = page.obj.get("/UserUnit")
    if isinstance(scale, int) and 1 <= scale <= 100:
        clean["/UserUnit"] = scale
    group = copier.group(page.obj.get("/Group"))
    if group is not None:
        clean["/Group"] = group
    contents = page.obj.get("/Contents")
    parts = list(contents) if isinstance(contents, Array) else [contents]
    streams = [part for part in parts if isinstance(part, Stream)]
    if any(count > MOST_REPEATS for count in Counter(stream.objgen for stream in streams).values()):
        raise TooMuch
    text = b"\n".join(copier.decoded(stream) for stream in streams)
    clean["/Resources"], content = cleaned_content(copier, text, resources)
    clean["/Contents"] = copier.stream(content)
    return copier.target.make_indirect(clean)


def _inherited(node: Any, name: str) -> Any:
    """Return the page's own value, or that of the nearest ancestor in the page tree."""
    for _level in range(100):
        if not isinstance(node, Dictionary):
            return None
        if name in node:
            return node.get(name)
        node = node.get("/Parent")
    raise TooMuch
