"""Buttons that say so where no kernel answers a press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets


def with_asking(script: Path) -> str:
    """A widget's script behind the one with which it asks the kernel."""
    shared = Path(__file__).with_name("asking.js")
    return "\n".join(one.read_text(encoding="utf-8") for one in (shared, script))


class Pressing(anywidget.AnyWidget):
    """A row of buttons, by kind: its label, and what is done when it is pressed."""

    _esm = with_asking(Path(__file__).with_name("pressing.js"))
    _css = """
    .autograd-buttons .jupyter-button { margin: 3px 6px 3px 3px; }
    .autograd-buttons .jupyter-button:focus-visible {
      outline: 2px solid var(--jp-brand-color1, #1976d2) !important; outline-offset: 1px; }
    """
    labels = traitlets.Dict().tag(sync=True)
    answers = traitlets.Int().tag(sync=True)

    def __init__(self, actions: Mapping[str, tuple[str, Callable[[], None]]]) -> None:
        super().__init__(labels={kind: label for kind, (label, _) in actions.items()})
        self._actions = {kind: action for kind, (_, action) in actions.items()}
        self.on_msg(self._pressed)

    def _pressed(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        action = self._actions.get(content.get("press", ""))
        if action is None:
            return
        try:
            action()
        finally:
            self.answers += 1  # the buttons wait for it
