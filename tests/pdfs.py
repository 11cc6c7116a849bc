"""A PDF with every kind of object that pages draw with, and every kind that runs code or carries data."""

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from tests import font_programs, uploaded_files

ONE_INCH = [0, 0, 72, 72]


def saved(made: pikepdf.Pdf) -> bytes:
    written = io.BytesIO()
    made.save(written, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return written.getvalue()


def unpacked(data: bytes) -> bytes:
    """Return the PDF with everything in it uncompressed."""
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(
            written,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
            compress_streams=False,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return written.getvalue()


def sfnt(**tables: bytes) -> bytes:
    """Return a TrueType font of these tables; `_` in a name stands for a blank."""
    at, directory, body = 12 + 16 * len(tables), b"", b""
    for name, table in tables.items():
        directory += struct.pack(">4sLLL", name.replace("_", " ").encode(), 0, at + len(body), len(table))
        body += table.ljust(-(-len(table) // 4) * 4, b"\0")
    return struct.pack(">4sHHHH", b"\0\1\0\0", len(tables), 0, 0, 0) + directory + body


def jpeg() -> bytes:
    """Return a photo with its place, its camera and a comment in it."""
    return uploaded_files.photo(size=(40, 30), said="CANARYINSIDE")


def picture(pdf: pikepdf.Pdf, data: bytes, **keys: Any) -> Stream:
    made = pdf.make_stream(data)
    given = {
        "Type": Name.XObject,
        "Subtype": Name.Image,
        "Width": 40,
        "Height": 30,
        "BitsPerComponent": 8,
        **keys,
    }
    for name, value in given.items():
        made[f"/{name}"] = value
    return made


def chained(pdf: pikepdf.Pdf, data: bytes, *filters: str, **keys: Any) -> Stream:
    """Return a picture whose last filter is the data's own, encoded with the others before it."""
    around = {
        "FlateDecode": zlib.compress,
        "ASCII85Decode": lambda raw: base64.a85encode(raw) + b"~>",
        "ASCIIHexDecode": lambda raw: raw.hex().encode() + b">",
        "RunLengthDecode": lambda raw: (
            b"".join(bytes([len(raw[i : i + 128]) - 1]) + raw[i : i + 128] for i in range(0, len(raw), 128))
            + b"\x80"
        ),
    }
    for name in reversed(filters[:-1]):
        data = around[name](data)
    return picture(pdf, data, Filter=Array([Name(f"/{name}") for name in filters]), **keys)


def _fonts(pdf: pikepdf.Pdf) -> Dictionary:
    def descriptor(**more: Any) -> Any:
        return pdf.make_indirect(
            Dictionary(
                Type=Name.FontDescriptor, FontName=Name.Carrier, Flags=4, FontBBox=ONE_INCH, StemV=80, **more
            )
        )

    type_1 = pdf.make_stream(font_programs.type_1(), Dictionary(Length1=28, Length2=0, Length3=0))
    tables = {
        "cmap": b"\0" * 8,
        "glyf": b"\0" * 8,
        "head": b"\0" * 54,
        "loca": b"\0\0" * 21,
        "maxp": b"\0\1\0\0\0\x14",
        "name": b"CANARYLICENCE",
        "meta": b"CANARYMETA",
    }
    true_type = pdf.make_stream(sfnt(**tables))
    map_text = b"""%% CANARYCOMMENT
        /CIDInit /ProcSet findresource begin 12 dict begin begincmap
        /Notice (CANARYNOTICE) def /CMapName /CANARYNAME def
        1 begincodespacerange <0000> <FFFF> endcodespacerange
        2 beginbfchar <0003> <0915> <0004> <0916094D> endbfchar
        2 beginbfrange <0005> <0007> <0917> <0008> <0009> [<0918> <0919>] endbfrange
        endcmap CMapName currentdict /CMap defineresource pop end end"""
    to_unicode = pdf.make_stream(map_text, Dictionary(Type=Name.CMap))
    cid = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=Name.Carrier,
        CIDSystemInfo=Dictionary(Registry="Adobe", Ordering="Identity", Supplement=0),
        DW=1000,
        W=Array([3, Array([500, 600]), 7, 9, 450]),
        CIDToGIDMap=pdf.make_stream(b"\0\1" * 10),
        FontDescriptor=descriptor(FontFile2=true_type),
    )
    glyph = pdf.make_stream(b"600 0 0 0 500 500 d1 BI /W 8 /H 1 /BPC 1 /IM true ID \xaa EI 0 0 500 500 re f")
    return Dictionary(
        Plain=pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)),
        Old=pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type1,
                BaseFont=Name.Carrier,
                FirstChar=65,
                LastChar=66,
                Widths=Array([600, 600.5]),
                Encoding=Dictionary(
                    Type=Name.Encoding,
                    BaseEncoding=Name.WinAnsiEncoding,
                    Differences=Array([65, Name.ka, Name.kha]),
                ),
                FontDescriptor=descriptor(FontFile=type_1),
            )
        ),
        Wide=pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type0,
                BaseFont=Name.Carrier,
                Encoding=Name("/Identity-H"),
                ToUnicode=to_unicode,
                DescendantFonts=Array([pdf.make_indirect(cid)]),
            )
        ),
        Drawn=pdf.make_indirect(
            Dictionary(
                Type=Name.Font,
                Subtype=Name.Type3,
                FontBBox=ONE_INCH,
                FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]),
                FirstChar=65,
                LastChar=65,
                Widths=Array([600]),
                Encoding=Dictionary(Differences=Array([65, Name.a])),
                CharProcs=Dictionary(a=glyph),
                Resources=Dictionary(),
            )
        ),
    )


def _pictures(pdf: pikepdf.Pdf) -> Dictionary:
    written = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(written, "JPEG2000", comment="CANARYCOMMENT")
    grey = picture(pdf, b"\x7f" * 1200, ColorSpace=Name.DeviceGray)
    profile = pdf.make_stream(b"CANARYPROFILE", Dictionary(N=3, Alternate=Name.DeviceRGB))
    fax = io.BytesIO()
    page = Image.new("1", (40, 30), 1)
    page.paste(0, (5, 5, 20, 20))
    page.save(fax, "TIFF", compression="group4")
    with Image.open(fax) as tiff:
        start, length = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
    rgb = {"ColorSpace": Name.DeviceRGB}
    return Dictionary(
        Plain=picture(
            pdf,
            b"\x10\x80\xf0" * 1200 + b"CANARYBEHIND",
            SMask=grey,
            ColorSpace=Array([Name.ICCBased, profile]),
        ),
        Photo=chained(pdf, jpeg(), "DCTDecode", **rgb),
        Packed=chained(pdf, jpeg(), "FlateDecode", "DCTDecode", **rgb),
        Text=chained(pdf, jpeg(), "ASCII85Decode", "DCTDecode", **rgb),
        Twice=chained(pdf, jpeg(), "ASCIIHexDecode", "FlateDecode", "DCTDecode", **rgb),
        Runs=chained(pdf, jpeg(), "RunLengthDecode", "DCTDecode", **rgb),
        Wavelets=chained(pdf, written.getvalue() + b"CANARYBEHIND", "JPXDecode"),
        Fax=picture(
            pdf,
            fax.getvalue()[start : start + length] + b"CANARYBEHIND",
            BitsPerComponent=1,
            ColorSpace=Name.DeviceGray,
            Filter=Name.CCITTFaxDecode,
            DecodeParms=Dictionary(K=-1, Columns=40, Rows=30),
        ),
        Palette=picture(
            pdf, b"\1" * 1200, ColorSpace=Array([Name.Indexed, Name.DeviceRGB, 1, b"\0\0\0\xff\xff\xff"])
        ),
        Stencil=picture(pdf, b"\xaa" * 150, ImageMask=True, BitsPerComponent=1, Decode=Array([1, 0])),
    )


def _functions(pdf: pikepdf.Pdf) -> list[Any]:
    unit, pair = Array([0, 1]), Array([0, 1, 0, 1, 0, 1])
    even = Dictionary(FunctionType=2, Domain=unit, C0=Array([0, 0, 0]), C1=Array([1, 1, 1]), N=1)
    return [
        pdf.make_indirect(even),
        pdf.make_stream(
            b"\0\x7f\xff" * 4,
            Dictionary(FunctionType=0, Domain=unit, Range=pair, Size=Array([4]), BitsPerSample=8),
        ),
        Dictionary(FunctionType=3, Domain=unit, Functions=Array([even]), Bounds=Array([]), Encode=unit),
        pdf.make_stream(
            b"{ % CANARYCOMMENT\n dup 0.5 mul exch dup }", Dictionary(FunctionType=4, Domain=unit, Range=pair)
        ),
    ]


CONTENT = b"""
% CANARYCOMMENT
/Span <</ActualText (CANARYACTUAL)>> BDC
BT /Plain 18 Tf 72 720 Td (Letter of the ward) Tj /Old 12 Tf (AB) Tj /Wide 12 Tf <00030004> Tj /Drawn 9 Tf (A) Tj ET
EMC
/Tag /Properties DP
(CANARYOPERAND) q (CANARYOPERAND) 30 0 0 30 72 600 cm /Plain Do Q
q 30 0 0 30 72 500 cm /Photo Do /Packed Do /Text Do /Twice Do /Runs Do /Wavelets Do /Fax Do /Palette Do /Stencil Do Q
q 10 0 0 10 0 0 cm BI /W 40 /H 30 /BPC 8 /CS /RGB /F [/AHx /DCT] ID %s> EI Q
/State gs /Form Do /Blue cs 0.5 scn 0 0 9 9 re f /Tiled cs /Tile scn 0 0 50 50 re f /Pattern cs /Shade scn 9 9 9 9 re f
/Axial sh /Mesh sh
BX (CANARYCOMPATIBLE) unknown EX
"""


def every_kind() -> bytes:
    """Return a one-page PDF that draws with every kind of object, with code or hidden data in every known
    place.
    """
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(595, 842)).obj
    functions = _functions(pdf)
    inner = pdf.make_stream(b"0 0 5 5 re f", Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=ONE_INCH))
    form = pdf.make_stream(
        b"/Inner Do",
        Dictionary(
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=ONE_INCH,
            Matrix=Array([1, 0, 0, 1, 0, 0]),
            Resources=Dictionary(XObject=Dictionary(Inner=inner)),
            Group=Dictionary(S=Name.Transparency, CS=Name.DeviceRGB, I=True, K=False),
        ),
    )
    axial = Dictionary(
        ShadingType=2,
        ColorSpace=Name.DeviceRGB,
        Coords=Array([0, 0, 9, 9]),
        Function=functions[2],
        Extend=Array([True, True]),
    )
    tile = pdf.make_stream(
        b"0 0 3 3 re f",
        Dictionary(
            PatternType=1, PaintType=1, TilingType=1, BBox=ONE_INCH, XStep=9, YStep=9, Resources=Dictionary()
        ),
    )
    page.Resources = Dictionary(
        Font=_fonts(pdf),
        XObject=_pictures(pdf),
        ExtGState=Dictionary(
            State=Dictionary(
                Type=Name.ExtGState,
                CA=0.5,
                BM=Name.Multiply,
                D=Array([Array([3, 1]), 0]),
                SMask=Dictionary(
                    Type=Name.Mask, S=Name.Luminosity, G=form, BC=Array([0, 0, 0]), TR=functions[3]
                ),
            )
        ),
        ColorSpace=Dictionary(
            Blue=Array([Name.Separation, Name.Blue, Name.DeviceRGB, functions[3]]),
            Tiled=Array([Name.Pattern, Array([Name.CalRGB, Dictionary(WhitePoint=Array([0.95, 1, 1.08]))])]),
        ),
        Pattern=Dictionary(
            Tile=tile, Shade=Dictionary(PatternType=2, Shading=axial, Matrix=Array([1, 0, 0, 1, 0, 0]))
        ),
        Shading=Dictionary(
            Axial=pdf.make_indirect(
                Dictionary(
                    ShadingType=2,
                    ColorSpace=Name.DeviceRGB,
                    Coords=Array([0, 0, 9, 9]),
                    Function=functions[1],
                )
            ),
        ),
    )
    page.Resources.XObject.Form = form
    page.Contents = pdf.make_stream(CONTENT.replace(b"%s", jpeg().hex().encode()))
    page.Group = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB)
    _hide_data(pdf, page)
    return saved(pdf)


def _hide_data(pdf: pikepdf.Pdf, page: Any) -> None:
    """Put code or hidden data in every known place."""
    action = Dictionary(S=Name.JavaScript, JS="app.alert('CANARYSCRIPT')")
    page.AA = Dictionary(O=action)
    page.PresSteps = Dictionary(NA=action)
    page.Thumb = picture(pdf, b"CANARYTHUMB".ljust(1200), ColorSpace=Name.DeviceGray)
    page.PieceInfo = Dictionary(Maker=Dictionary(Private="CANARYPRIVATE"))
    page.Metadata = pdf.make_stream(b"CANARYMETADATA")
    pdf.Root.Pages.AA = Dictionary(O=action)
    pdf.Root.OpenAction = action
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array(["x", action])))
    pdf.Root.StructTreeRoot = Dictionary(
        Type=Name.StructTreeRoot, K=Dictionary(S=Name.Figure, Alt="CANARYALT")
    )
    pdf.Root.OCProperties = Dictionary(OCGs=Array([]), D=Dictionary(Name="CANARYLAYER", OFF=Array([])))
    pdf.Root.Lang = "CANARYLANG"
    pdf.attachments["CANARYFILE.exe"] = b"MZ CANARYCARRIED"
    pdf.docinfo["/Author"] = "CANARYAUTHOR"
    shown = pdf.make_stream(b"0 0 9 9 re f", Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=ONE_INCH))
    notes = [
        Dictionary(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI="https://canary.example/CANARYLINK")),
        Dictionary(Subtype=Name.Stamp, Contents="CANARYNOTE", AP=Dictionary(N=shown), F=4),
        Dictionary(Subtype=Name.FileAttachment, FS=Dictionary(F="CANARYPATH")),
        Dictionary(Subtype=Name.RichMedia, RichMediaContent=Dictionary(X="CANARYMEDIA")),
    ]
    for note in notes:
        note.Type, note.Rect = Name.Annot, Array(ONE_INCH)
    page.Annots = Array([pdf.make_indirect(note) for note in notes])


def containers(pdf: pikepdf.Pdf) -> Iterator[tuple[str, Any]]:
    """Yield every dictionary and stream of the document with its path, each once; the trailer first."""
    waiting: list[tuple[str, Any, int]] = [("trailer", pdf.trailer, 0)]
    seen = set()
    while waiting:
        path, found, depth = waiting.pop()
        if getattr(found, "is_indirect", False):
            if found.objgen in seen:
                continue
            seen.add(found.objgen)
        if isinstance(found, Array):
            waiting += [(f"{path}[{place}]", item, depth + 1) for place, item in enumerate(found)]
        elif isinstance(found, Dictionary | Stream):
            yield path, found
            waiting += [(path + key, item, depth + 1) for key, item in found.items()]
