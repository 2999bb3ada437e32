"""Tells whether bytes are a picture that a page may show: by what they are, not what they claim."""

from __future__ import annotations

import base64
import binascii
import io
import warnings

from PIL import Image

KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}
"""The mime types that are shown, and Pillow's names for them."""

_MOST_PIXELS = 40_000_000  # a browser unpacks a picture to four bytes a pixel


def picture(mime: str, text: object) -> str | None:
    """The picture in base64 without line breaks, or None if it is not one of that kind.

    Only the header is read: nothing is decoded here.
    """
    if isinstance(text, list) and all(isinstance(part, str) for part in text):
        text = "".join(text)
    if not isinstance(text, str) or mime not in KINDS:
        return None
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    size = _size(content, KINDS[mime])
    if size is None or size[0] * size[1] > _MOST_PIXELS:
        return None
    return base64.b64encode(content).decode()


def _size(content: bytes, kind: str) -> tuple[int, int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own limit on pixels: ours is lower
            with Image.open(io.BytesIO(content), formats=(kind,)) as image:
                return image.size
    except Exception:  # Pillow's readers raise nearly anything on broken headers: all mean no
        return None
