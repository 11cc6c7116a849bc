"""Pictures: decoded and encoded again, whatever their filters, so that only the pixels are kept."""

import io
from typing import TYPE_CHECKING, Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from core.pdf import colours
from core.pdf.rules import INTENT, TooMuch, Unsupported, boolean, number, numbers

if TYPE_CHECKING:
    from core.pdf.copier import Copier

MOST_PIXELS = 80_000_000
FULL_NAMES = {
    "/DCT": "/DCTDecode",
    "/CCF": "/CCITTFaxDecode",
    "/Fl": "/FlateDecode",
    "/LZW": "/LZWDecode",
} | {
    "/RL": "/RunLengthDecode",
    "/AHx": "/ASCIIHexDecode",
    "/A85": "/ASCII85Decode",
}
PICTURE_FILTERS = ("/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode")
ROWS_OF_STRIP, STRIP_AT, STRIP_SIZE = 278, 273, 279  # tags of TIFF
MODES = {"L": Name.DeviceGray, "RGB": Name.DeviceRGB, "CMYK": Name.DeviceCMYK}


def filters_of(stream: Stream) -> list[str]:
    """Return the full names of a stream's filters, the outermost first."""
    found = stream.get("/Filter")
    names = list(found) if isinstance(found, Array) else [found] if found is not None else []
    return [FULL_NAMES.get(str(name), str(name)) for name in names]


def picture(copier: "Copier", stream: Any, *, space: Any = None, is_mask: bool = False) -> Any:
    """Clean a picture; None if it is none. `space` is its colour space, if not the one of its own dictionary.

    Raises Unsupported or TooMuch.
    """
    if not isinstance(stream, Stream):
        return None
    width, height = stream.get("/Width"), stream.get("/Height")
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        return None
    copier.count_pixels(width * height)
    if width * height > MOST_PIXELS:
        raise Unsupported
    keys = copier.filtered(
        stream,
        {
            "/Decode": numbers,
            "/Interpolate": boolean,
            "/Matte": numbers,
            "/Intent": INTENT,
            "/ImageMask": boolean,
            "/BitsPerComponent": number,
        },
    )
    keys["/Width"], keys["/Height"] = width, height
    is_stencil = keys.get("/ImageMask") is True
    spaces = colours.colour_space(copier, space if space is not None else stream.get("/ColorSpace"))
    if spaces is not None and not is_stencil:
        keys["/ColorSpace"] = spaces
    if not is_mask and not is_stencil:
        for name, mask in _masks(copier, stream).items():
            keys[name] = mask
    filters = filters_of(stream)
    last = filters[-1] if filters and filters[-1] in PICTURE_FILTERS else ""
    if last == "/DCTDecode":
        clean = _jpeg(copier, _without_outer_filters(copier, stream, filters), keys)
    elif last == "/JPXDecode":
        clean = _jpeg_2000(copier, _without_outer_filters(copier, stream, filters), keys)
    elif last == "/CCITTFaxDecode":
        clean = _fax(copier, stream, keys)
    elif last:
        raise Unsupported
    else:
        clean = _samples(copier, copier.decoded(stream), keys)
    clean["/Type"], clean["/Subtype"] = Name.XObject, Name.Image
    return clean


def _masks(copier: "Copier", stream: Stream) -> dict[str, Any]:

    found = {}
    for name in ("/SMask", "/Mask"):
        value = stream.get(name)
        mask = (
            copier.once(value, mask_picture)
            if isinstance(value, Stream)
            else numbers(copier, value)
            if name == "/Mask"
            else None
        )
        if mask is not None:
            found[name] = mask
    return found


def mask_picture(copier: "Copier", value: Any) -> Any:
    """Clean a picture that is the mask of another one, and so has no mask itself."""
    return picture(copier, value, is_mask=True)


def _without_outer_filters(copier: "Copier", stream: Stream, filters: list[str]) -> bytes:
    """Return the bytes for the picture's own filter, the last one, with the filters before it decoded."""
    outer = filters[:-1]
    raw = stream.read_raw_bytes()
    if not outer:
        copier.count_bytes(len(raw))
        return raw
    parameters = stream.get("/DecodeParms", stream.get("/DP"))
    given = [
        _numbers_of(item) if name == "/FlateDecode" else None
        for name, item in zip(outer, parameters if isinstance(parameters, Array) else [], strict=False)
    ]
    inner = copier.scratch.make_stream(raw)
    inner["/Filter"] = Array([Name(name) for name in outer])
    inner["/DecodeParms"] = Array(given + [None] * (len(outer) - len(given)))
    return copier.decoded(inner)


def _numbers_of(parameters: Any) -> Dictionary | None:
    """Return the numbers of a filter's parameters, as a new object."""
    if not isinstance(parameters, Dictionary):
        return None
    return Dictionary({key: item for key, item in parameters.items() if number(None, item) is not None})


def _decoded_image(copier: "Copier", data: bytes, kind: str) -> Image.Image:

    try:
        image = Image.open(io.BytesIO(data), formats=[kind])
        copier.count_pixels(image.width * image.height)
        if image.width * image.height > MOST_PIXELS:
            raise Unsupported
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise Unsupported from error
    return image


def _jpeg(copier: "Copier", data: bytes, keys: Dictionary) -> Stream:
    """Encode the pixels again with the same tables, so quality stays; all segments without pixels are dropped."""
    image = _decoded_image(copier, data, "JPEG")
    tables, sampling = image.quantization, _sampling(image)  # type: ignore[attr-defined]
    return _encoded(copier, image, keys, qtables=tables, subsampling=sampling)


def _sampling(image: Image.Image) -> int:
    from PIL.JpegImagePlugin import get_sampling

    found = get_sampling(image)
    return found if found in (0, 1, 2) else 0


def _jpeg_2000(copier: "Copier", data: bytes, keys: Dictionary) -> Stream:
    image = _decoded_image(copier, data, "JPEG2000")
    if image.mode.startswith("I"):
        image = image.point(lambda value: value / 256)
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    grey, ink = image.mode in ("1", "L", "LA", "I", "I;16"), image.mode == "CMYK"
    image = image.convert("L" if grey else "CMYK" if ink else "RGB")
    if "/ColorSpace" not in keys or colours.components(keys["/ColorSpace"]) != len(image.getbands()):
        keys["/ColorSpace"] = MODES[image.mode]
    keys["/Width"], keys["/Height"], keys["/BitsPerComponent"] = image.width, image.height, 8
    if alpha is not None and "/SMask" not in keys:
        plain = Dictionary(
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=alpha.width,
            Height=alpha.height,
            ColorSpace=Name.DeviceGray,
            BitsPerComponent=8,
        )
        keys["/SMask"] = copier.target.make_indirect(_with_keys(copier.stream(alpha.tobytes()), plain))
    return _encoded(copier, image, keys, quality=90)


def _encoded(copier: "Copier", image: Image.Image, keys: Dictionary, **how: Any) -> Stream:
    """The pixels alone as a JPEG: Pillow writes the comment of the picture that they were read from with them."""
    written, bare = io.BytesIO(), Image.new(image.mode, image.size)
    bare.paste(image)
    bare.save(written, "JPEG", **how)
    keys["/BitsPerComponent"], keys["/Filter"] = 8, Name.DCTDecode
    if "/ColorSpace" not in keys:
        keys["/ColorSpace"] = MODES[image.mode]
    return _with_keys(copier.target.make_stream(written.getvalue()), keys)


def _fax(copier: "Copier", stream: Stream, keys: Dictionary) -> Stream:
    """Decode a black and white picture of a fax or scanner, and keep its samples."""
    try:
        image = pikepdf.PdfImage(stream).as_pil_image(apply_decode_array=False, apply_mask=False)
        image.load()
    except (
        pikepdf.PdfError,
        OSError,
        ValueError,
        NotImplementedError,
        pikepdf.UnsupportedImageTypeError,
    ) as error:
        raise Unsupported from error
    if image.mode != "1":
        raise Unsupported
    keys["/Width"], keys["/Height"], keys["/BitsPerComponent"] = image.width, image.height, 1
    space = keys.get("/ColorSpace")
    if keys.get("/ImageMask") is not True and colours.components(space) != 1:
        raise Unsupported
    keys["/Filter"] = Name.CCITTFaxDecode
    keys["/DecodeParms"] = Dictionary(K=-1, Columns=image.width, Rows=image.height, BlackIs1=True)
    return _with_keys(copier.target.make_stream(_as_fax(image)), keys)


def _as_fax(image: Image.Image) -> bytes:
    """Encode a black and white picture as fax machines do (Group 4), else a scan would grow to twice its size."""
    written = io.BytesIO()
    image.save(written, "TIFF", compression="group4", tiffinfo={ROWS_OF_STRIP: image.height})
    with Image.open(io.BytesIO(written.getvalue())) as strip:
        (start,), (size,) = strip.tag_v2[STRIP_AT], strip.tag_v2[STRIP_SIZE]  # type: ignore[attr-defined]
    return written.getvalue()[start : start + size]


def _samples(copier: "Copier", data: bytes, keys: Dictionary) -> Stream:
    """Return the samples of an uncompressed picture: exactly as many as its size asks for, nothing after them."""
    is_stencil = keys.get("/ImageMask") is True
    bits = 1 if is_stencil else keys.get("/BitsPerComponent", 8)
    colours_each = 1 if is_stencil else colours.components(keys.get("/ColorSpace"))
    if bits not in (1, 2, 4, 8, 16) or not colours_each:
        raise Unsupported
    size = (int(keys["/Width"]) * colours_each * int(bits) + 7) // 8 * int(keys["/Height"])
    if size > 2 * MOST_PIXELS * 2:
        raise TooMuch
    keys["/BitsPerComponent"] = bits
    return _with_keys(copier.stream(data[:size].ljust(size, b"\0")), keys)


def _with_keys(stream: Stream, keys: Dictionary) -> Stream:
    for key, value in keys.items():
        stream[key] = value
    return stream
