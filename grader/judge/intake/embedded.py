"""Makes attachments of the pictures that a learner's text holds in itself or names beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from grader.judge.intake.lenient import SubmittedCell
from grader.judge.intake.pictures import KINDS, bitmap_of

_MOST_HELD = 16 * 1024 * 1024  # base64, in all of a notebook's texts
_IMAGE = re.compile(
    r"(?P<head>!\[[^\[\]]{0,500}\]\(\s*+)(?:"
    r"<?data:(?P<mime>image/[a-z+]{1,20});base64,(?P<data>[A-Za-z0-9+/=]++)>?|"
    r"<(?P<spaced>[^<>\n]{1,400})>|(?P<plain>[^\s()<>]{1,400}))(?=[\s)])"
)


@dataclass
class Embedding:
    """The pictures of one notebook: `files` are those beside it, by path."""

    files: Mapping[str, bytes]
    room: int = _MOST_HELD

    def attached(self, cell: SubmittedCell) -> SubmittedCell:
        """The cell with such pictures attached to it, and named in its text in their place.

        Nothing is decided here about what is shown: attachments are looked at as any others are.
        """
        if cell.type != "markdown" or not cell.source or "](" not in cell.source:
            return cell
        found: dict[str, dict[str, str]] = {}
        names: dict[str, str] = {}

        def named(match: re.Match[str]) -> str:
            address = match["data"] or match["spaced"] or match["plain"]
            if address not in names:
                held = self._picture(match)
                if held is None:
                    return match[0]
                mime, content = held
                self.room -= len(content)
                names[address] = self._free(mime, [*cell.attachments, *found])
                found[names[address]] = {mime: content}
            return f"{match['head']}attachment:{names[address]}"

        source = _IMAGE.sub(named, cell.source)
        if not found:
            return cell
        return replace(cell, source=source, attachments={**cell.attachments, **found})

    def _picture(self, match: re.Match[str]) -> tuple[str, str] | None:
        """The mime type and base64 that an address stands for, if there is room."""
        if match["data"]:
            held = (match["mime"], match["data"]) if match["mime"] in KINDS else None
        else:
            path = PurePosixPath(unquote(match["spaced"] or match["plain"])).as_posix()
            content = self.files.get(path)
            held = None if content is None else bitmap_of(content)
        return held if held and len(held[1]) <= self.room else None

    @staticmethod
    def _free(mime: str, taken: list[str]) -> str:
        number = len(taken) + 1
        name = f"picture-{number}.{mime.removeprefix('image/')}"
        return name if name not in taken else f"{name}-{number}"
