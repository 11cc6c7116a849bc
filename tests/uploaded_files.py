"""Files as users and attackers upload them, made here so that no real document lies in the repository."""

import io

import pikepdf
from PIL import Image

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
KATHMANDU = {1: "N", 2: (27.0, 43.0, 2.0), 3: "E", 4: (85.0, 19.0, 26.0)}
GPS, MAKE, TURNED = 0x8825, 0x010F, 0x0112


def photo(
    kind: str = "JPEG", *, size: tuple[int, int] = (640, 480), turned: int = 1, said: str = "CANARYPHONE"
) -> bytes:
    """Return a photo with its place, its phone and a comment; `turned` is the orientation that phones write."""
    image = Image.new("RGB", size, "white")
    image.paste("navy", (0, 0, size[0] // 2, size[1] // 2))
    exif = Image.Exif()
    exif[MAKE], exif[TURNED], exif[GPS] = said, turned, KATHMANDU
    written = io.BytesIO()
    image.save(written, kind, exif=exif, **({"comment": said.encode()} if kind == "JPEG" else {}))
    return written.getvalue()


def clear_picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(written, "PNG")
    return written.getvalue()


def pdf(*, pages: int = 1, text: str = "Letter of the ward", carried: bytes = b"") -> bytes:
    """Return a PDF with some text on each page; `carried` is embedded among its objects unchanged."""
    made = pikepdf.new()
    font = made.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
    )
    for _number in range(pages):
        page = made.add_blank_page(page_size=(595, 842))
        page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.obj.Contents = made.make_stream(f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode())
    if carried:
        made.Root.Carried = made.make_stream(carried)
    return _saved(made, compress_streams=not carried)


def acting_pdf() -> bytes:
    """Return a PDF that runs a script, carries a file, links to a site and names its author."""
    made = pikepdf.open(io.BytesIO(pdf()))
    made.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('CANARYSCRIPT')")
    made.attachments["CANARYFILE.exe"] = b"MZ CANARYCARRIED"
    link = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[0, 0, 100, 100],
        A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://canary.example/CANARYLINK"),
    )
    made.pages[0].obj.Annots = made.make_indirect(pikepdf.Array([made.make_indirect(link)]))
    with made.open_metadata() as metadata:
        metadata["dc:creator"] = ["CANARYCREATOR"]
    made.docinfo["/Author"] = "CANARYAUTHOR"
    _with_picture(made, photo(said="CANARYINSIDE"))
    return _saved(made, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)


def harmful_pdf() -> bytes:
    """Return a PDF with the test virus among the glyphs of a font, where it survives the cleaning of the PDF."""
    made = pikepdf.open(io.BytesIO(pdf()))
    font = made.pages[0].obj.Resources.Font.F1
    program = made.make_stream(b"%!PS-AdobeFont-1.0: Carrier\ncurrentfile eexec\n" + EICAR)
    font.FontDescriptor = made.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.FontDescriptor, FontName=pikepdf.Name.Carrier, FontFile=program)
    )
    return _saved(made)


def _with_picture(made: pikepdf.Pdf, jpeg: bytes) -> None:
    picture = made.make_stream(jpeg)
    for name, value in {"Subtype": pikepdf.Name.Image, "Filter": pikepdf.Name.DCTDecode}.items():
        picture[f"/{name}"] = value
    picture.Width, picture.Height, picture.ColorSpace, picture.BitsPerComponent = (
        640,
        480,
        pikepdf.Name.DeviceRGB,
        8,
    )
    page = made.pages[0].obj
    page.Resources.XObject = pikepdf.Dictionary(Im1=picture)
    page.Contents = made.make_stream(page.Contents.read_bytes() + b" q 320 0 0 240 72 300 cm /Im1 Do Q")


def filled_form(*, flags: int = 0) -> bytes:
    """Return a PDF with a form that somebody filled in; `flags` of its field, as PDF counts them."""
    made = pikepdf.open(io.BytesIO(pdf()))
    field = made.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="place",
            V="Typed in Banke",
            Ff=flags,
            DA="/F1 12 Tf 0 g",
            Rect=[72, 600, 300, 620],
            F=4,
            P=made.pages[0].obj,
        )
    )
    made.pages[0].obj.Annots = made.make_indirect(pikepdf.Array([field]))
    made.Root.AcroForm = pikepdf.Dictionary(
        Fields=[field], NeedAppearances=True, DR=made.pages[0].obj.Resources, DA="/F1 12 Tf 0 g"
    )
    return _saved(made)


def locked_pdf() -> bytes:
    made = pikepdf.open(io.BytesIO(pdf()))
    return _saved(made, encryption=pikepdf.Encryption(owner="owner", user="secret"))


def _saved(made: pikepdf.Pdf, **more) -> bytes:
    written = io.BytesIO()
    made.save(written, **more)
    return written.getvalue()
