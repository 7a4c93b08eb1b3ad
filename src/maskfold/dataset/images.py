"""One photograph: safe decoding to upright RGB pixels, or the reason why the file is unusable."""

from __future__ import annotations

import errno
import hashlib
import io
import stat
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from maskfold.content import is_heif, kind_of
from maskfold.dataset.cut_off import LEAST_SHARE, mend, share_decoded
from maskfold.dataset.plugins import HINT, plugin_formats
from maskfold.dataset.scans import count_scans
from maskfold.errors import DatasetError, UnavailableError

MAX_PIXELS: Final = 80_000_000
"""Larger images are rejected before decoding: a few kilobytes can decompress to gigabytes. Pillow's own limit is
89 million."""
MAX_BYTES: Final = 256 * 1024**2
MAX_SCANS: Final = 64
"""Scans of a progressive JPEG; encoders write about ten. Each costs a pass over all pixels, in a few bytes of file."""
MAX_PASSES: Final = 1_600_000_000
"""Pixels times scans: half a minute of one processor at most."""
MIN_SIDE: Final = 16
"""No face can be found in an image with a shorter side, in pixels."""
FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", *plugin_formats())
"""Accepted formats, detected from the content. Formats that run programs (EPS) or are animated are excluded."""
MISSING: Final = "the file is missing"
"""The problem of a probe of a missing file."""
EMPTY: Final = "the file is empty (0 bytes)"

_MODES: Final = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "I"})
_ORIENTATION_TAG: Final = 0x0112  # EXIF 2.3, table 4
_TRANSPOSITIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS: Final = frozenset({5, 6, 7, 8})
_header_lock = threading.Lock()
_STRIP: Final = 256
"""Rows that are converted at a time, to keep wide samples and transparency out of memory."""


class _UnusableError(Exception):
    """Carries the reason, without the file's name."""


@dataclass(frozen=True)
class Probe:
    """The result of checking one image file.

    Attributes:
        sha256: Of the file's bytes, hexadecimal; empty when the file cannot be read.
        width: Of the upright image, in pixels; 0 when it cannot be decoded.
        height: Likewise.
        problem: Why it cannot be used; None when it can.
        note: What is wrong with it although it can be used; None when nothing is.
    """

    sha256: str
    width: int
    height: int
    problem: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Decoded:
    """The pixels of a photograph, which may have been reduced, and its size."""

    pixels: NDArray[np.uint8]
    """uint8, (height, width, 3), RGB, contiguous."""
    height: int
    """Of the upright photograph before any reduction, in pixels."""
    width: int
    note: str | None = None
    """What is wrong with it although it can be used; None when nothing is."""


def decode(
    path: Path, least_side: int | None = None, sha256: str | None = None, cut_off: bool = False
) -> NDArray[np.uint8]:
    """Decode an image file to upright RGB.

    EXIF rotation is applied, transparency is composited over white, 16-bit samples are rounded to 8 bits. Of several
    frames the first is used. The format is detected from the content, not the extension.

    Args:
        path: A file in one of :data:`FORMATS`.
        least_side: The shorter side that is enough, in pixels: a JPEG is decoded to a half, a quarter or an eighth of
            its width and height as long as its shorter side keeps this length. That takes a fraction of the time and
            memory.
        sha256: Digest that the file's bytes must have; None accepts any.
        cut_off: Accept a JPEG that lacks its end; what is missing becomes grey.

    Returns:
        uint8, (height, width, 3), RGB, contiguous.

    Raises:
        DatasetError: If the file is missing, empty, changed, damaged, not an image, or too large or too small.
        UnavailableError: If the disk or the network fails while reading.
    """
    try:
        content = _read(path)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise _UnusableError("the file has changed since the data set was read")
        return _decoded(content, least_side, cut_off).pixels
    except _UnusableError as problem:
        raise DatasetError(f"{path}: {problem}") from None


def decode_new(source: Path | bytes, least_side: int | None = None) -> Decoded:
    """Decode a photograph of which nothing is known; a JPEG may lack its end, as at evaluation.

    Args:
        source: The file, or its bytes.
        least_side: As for :func:`decode`.

    Raises:
        DatasetError: If it cannot be used; the message is the reason alone, without a name.
        UnavailableError: If the disk or the network fails while reading.
    """
    try:
        content = _read(source) if isinstance(source, Path) else source
        if not content:
            raise _UnusableError(EMPTY)
        return _decoded(content, least_side, cut_off=True)
    except _UnusableError as problem:
        raise DatasetError(str(problem)) from None


def stated_pixels(content: bytes) -> int:
    """Return the number of pixels that the header of a photograph states; 0 if it is none, or its header is damaged.

    Nothing is decoded. Where Pillow itself refuses to go on, it is more than :data:`MAX_PIXELS`.
    """
    with _quiet_header():
        try:
            width, height = Image.open(io.BytesIO(content), formats=FORMATS).size
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return MAX_PIXELS + 1
        except Exception:  # noqa: BLE001 - Pillow's readers raise anything on damaged headers
            return 0
    return width * height


def _decoded(content: bytes, least_side: int | None, cut_off: bool) -> Decoded:
    note = None
    try:
        image, size = _loaded(content, least_side)
    except _UnusableError as problem:
        mended = mend(content) if cut_off else None
        if mended is None:
            raise
        image, size = _loaded(mended, least_side)
        if share_decoded(image) < LEAST_SHARE:
            raise
        note = f"{problem}; what decodes is used"
    pixels, orientation = _rgb(image), _orientation(image)
    transposition = _TRANSPOSITIONS.get(orientation)
    if transposition is not None:
        pixels = pixels.transpose(transposition)
    width, height = size[::-1] if orientation in _QUARTER_TURNS else size
    return Decoded(np.array(pixels, dtype=np.uint8), height, width, note)


def _loaded(content: bytes, least_side: int | None) -> tuple[Image.Image, tuple[int, int]]:
    """Return the image, which may be reduced, and its width and height before that."""
    image = _open(content)
    whole = image.size
    reduced = least_side is not None and _reduce(image, least_side)
    _load(image)
    return image, whole if reduced else image.size


def probe(path: Path, cut_off: bool = False) -> Probe:
    """Check that an image file can be decoded, and hash its bytes.

    All compressed data is read, so truncation is detected. JPEGs are decoded to only an eighth of their size, which
    detects the same damage in less time.

    Args:
        path: The file.
        cut_off: Accept a JPEG that lacks its end if most of it is there.

    Raises:
        UnavailableError: If the disk or the network fails while reading.
    """
    try:
        content = _read(path)
    except _UnusableError as problem:
        return Probe("", 0, 0, str(problem))
    sha256 = hashlib.sha256(content).hexdigest()
    found = _probe(content, sha256)
    mended = mend(content) if found.problem and cut_off else None
    if mended is None:
        return found
    second = _probe(mended, sha256, least_share=LEAST_SHARE)
    return found if second.problem else replace(second, note=f"{found.problem}; what decodes is used")


def _probe(content: bytes, sha256: str, least_share: float = 0.0) -> Probe:
    try:
        image = _open(content)
        width, height = image.size
        if image.draft(image.mode, (1, 1)) is None:
            _load(image)
            width, height = image.size
        else:
            _load(image)
        if least_share and share_decoded(image) < least_share:
            raise _UnusableError("too much is missing")
        turned = _orientation(image) in _QUARTER_TURNS
    except _UnusableError as problem:
        return Probe(sha256, 0, 0, str(problem))
    return Probe(sha256, *((height, width) if turned else (width, height)))


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe could block forever
            raise _UnusableError("not a file")
        if status.st_size > MAX_BYTES:
            raise _UnusableError(f"{status.st_size / 1e6:.0f} MB is more than {MAX_BYTES / 1e6:.0f} MB")
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise _UnusableError(MISSING) from None
    except PermissionError:
        raise _UnusableError("permission to read the file is denied") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):  # no other attempt will succeed
            raise _UnusableError((error.strerror or "not a path").lower()) from None
        raise UnavailableError(f"{path}: reading failed: {error.strerror or error}") from error
    if not content:
        raise _UnusableError(EMPTY)
    return content


def _open(content: bytes) -> Image.Image:
    """Read the header and reject what must not be decoded."""
    with _quiet_header():
        try:
            image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _UnusableError(f"more than {MAX_PIXELS:,} pixels") from None
        except UnidentifiedImageError:
            raise _UnusableError(_not_an_image(content)) from None
        except Exception as error:  # noqa: BLE001 - Pillow's readers raise anything on damaged headers
            raise _UnusableError(f"damaged header ({_first_line(error)})") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _UnusableError(f"{width} x {height} pixels; more than {MAX_PIXELS:,} are rejected")
    if min(width, height) < MIN_SIDE:
        raise _UnusableError(f"{width} x {height} pixels; each side must have at least {MIN_SIDE}")
    if image.format == "JPEG":
        scans = count_scans(content)
        if scans > MAX_SCANS or scans * width * height > MAX_PASSES:
            raise _UnusableError(f"{scans} scans of {width} x {height} pixels; decoding would take too long")
    if image.mode not in _MODES and not image.mode.startswith("I;16"):
        raise _UnusableError(f"pixels of kind {image.mode} are not supported")
    return image


def _not_an_image(content: bytes) -> str:
    if is_heif(content) and "HEIF" not in FORMATS:
        return f"{kind_of(content)}; to read it, {HINT}"
    kind = kind_of(content)
    return f"not an image in one of the formats {', '.join(FORMATS)}" + (f", but {kind}" if kind else "")


def _reduce(image: Image.Image, least_side: int) -> bool:
    """Let the JPEG decoder reduce the image, and return whether it does; other decoders ignore this."""
    width, height = image.size
    factor = next((factor for factor in (8, 4, 2) if min(width, height) // factor >= least_side), 1)
    return factor > 1 and image.draft(image.mode, (width // factor, height // factor)) is not None


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise anything on damaged data
        raise _UnusableError(f"damaged or truncated ({_first_line(error)})") from None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _by_strips(image, _eight_bits)
    if "transparency" in image.info or image.mode in {"LA", "La", "PA", "RGBA", "RGBa"}:
        return _by_strips(image, _over_white)
    return image.convert("RGB")


def _by_strips(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    whole = Image.new("RGB", image.size)
    for top in range(0, image.height, _STRIP):
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
        strip.info = image.info
        whole.paste(convert(strip), (0, top))
    return whole


def _eight_bits(strip: Image.Image) -> Image.Image:
    samples = np.asarray(strip).astype(np.int64).clip(0, 65535)
    return Image.fromarray(((samples + 128) // 257).astype(np.uint8)).convert("RGB")


def _over_white(strip: Image.Image) -> Image.Image:
    # Some pairs of modes have no direct conversion; the one through the plain mode always exists.
    plain = strip.convert({"La": "LA", "RGBa": "RGBA"}.get(strip.mode, strip.mode)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", strip.size, "white"), plain).convert("RGB")


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a loaded image; damaged EXIF data means upright."""
    with _quiet_header():
        try:
            value = image.getexif().get(_ORIENTATION_TAG, 1)
        except Exception:  # noqa: BLE001 - Pillow's reader raises anything on damaged EXIF data
            return 1
    return value if isinstance(value, int) else 1


@contextmanager
def _quiet_header() -> Iterator[None]:
    """Silence Pillow's warnings about unusual headers and turn its size warning into an error.

    Warning filters are global to the process, hence the lock; reading a header takes microseconds.
    """
    with _header_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].strip().rstrip(".") or type(error).__name__
