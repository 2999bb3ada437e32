"""A message in place of a picture that cannot be made: what is the case, and what to do."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from course.widgets.frame import look
from course.widgets.frame.svg import Picture

_STYLE = (
    f"border-left: 4px solid {look.HUES['storage']}; padding: 4px 12px; margin: 6px 0; "
    "line-height: 1.5; max-width: 80ch;"
)


@dataclass(frozen=True)
class Notice:
    """``message`` is a sentence or two, ``details`` lines of text; ``picture`` may stand below."""

    message: str
    details: tuple[str, ...] = ()
    picture: Picture | None = None

    def __str__(self) -> str:
        return "\n".join((self.message, *self.details))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        items = "".join(f"<li>{html.escape(line)}</li>" for line in self.details)
        page = f'<div role="note" style="{_STYLE}"><p>{html.escape(self.message)}</p>'
        page += f"<ul>{items}</ul></div>" if items else "</div>"
        bundle = {"text/plain": str(self), "text/html": page}
        if self.picture is not None:
            still = self.picture._repr_mimebundle_()
            bundle["text/html"] += still["text/html"]
            bundle["image/svg+xml"] = still["image/svg+xml"]
        return bundle
