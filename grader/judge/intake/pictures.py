"""The gate for every picture of a learner's, wherever it stands: by what it is, not what it claims.

A picture is a PNG, a JPEG or a GIF up to MOST_BYTES and MOST_PIXELS, or an SVG as `drawing` makes
it harmless.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings

from PIL import Image

from grader.judge.intake.drawings import drawing

KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}
"""The mime types of the bitmaps that are shown, and Pillow's names for them."""
SVG = "image/svg+xml"

MOST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 40_000_000  # a browser unpacks a picture to four bytes a pixel
"""The largest picture that is shown."""

_DATA = re.compile(r"data:(image/[a-z+]+);base64,([A-Za-z0-9+/]*={0,2})", re.IGNORECASE)


def picture(mime: str, text: object) -> str | None:
    """A bitmap in base64 without line breaks, or None if it is not one of that kind.

    Only the header is read: nothing is decoded here. Never raises.
    """
    if isinstance(text, list) and all(isinstance(part, str) for part in text):
        text = "".join(text)
    if not isinstance(text, str) or mime not in KINDS or len(text) > 2 * MOST_BYTES:
        return None
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(content).decode() if _is_shown(content, KINDS[mime]) else None


def bitmap_of(content: bytes) -> tuple[str, str] | None:
    """The mime type and the base64 of a file that is a bitmap, whatever it is called, or None."""
    for mime, kind in KINDS.items():
        if _is_shown(content, kind):
            return mime, base64.b64encode(content).decode()
    return None


def bitmap_in(address: str) -> str | None:
    """The data: address of a bitmap, or None if the address is anything else."""
    found = _DATA.fullmatch("".join(address.split()))
    content = picture(found[1].lower(), found[2]) if found else None
    return f"data:{found[1].lower()};base64,{content}" if found and content else None


def picture_in(address: str) -> str | None:
    """The data: address of what is shown for such an address, or None.

    A bitmap comes back as it is, an SVG harmless. Every <img> of a page goes through here.
    """
    found = _DATA.fullmatch("".join(address.split()))
    if found is None or found[1].lower() != SVG:
        return bitmap_in(address)
    if len(found[2]) > 2 * MOST_BYTES:
        return None
    try:
        text = base64.b64decode(found[2], validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        return None
    kept = drawing(text, bitmap_in)
    return None if kept is None else f"data:{SVG};base64,{base64.b64encode(kept.encode()).decode()}"


def _is_shown(content: bytes, kind: str) -> bool:
    if len(content) > MOST_BYTES:
        return False
    size = _size(content, kind)
    return size is not None and 0 < size[0] * size[1] <= MOST_PIXELS


def _size(content: bytes, kind: str) -> tuple[int, int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own limit on pixels: ours is lower
            with Image.open(io.BytesIO(content), formats=(kind,)) as image:
                return image.size
    except Exception:  # Pillow's readers raise nearly anything on broken headers: all mean no
        return None
