"""Hint and solution by a press of a button below a verdict, where a kernel answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from grader.diagnosis.messages import say
from grader.notebook.guidance import hint, hints_left, solution
from grader.notebook.notes import Text, note

_WIDGET = "application/vnd.jupyter.widget-view+json"
# Without a kernel JupyterLab writes an error in place of the buttons: the verdict says it all too.
STILL = (
    "<style>.jp-OutputArea-child:has(.autograd-verdict[data-buttons]) + "
    ".jp-OutputArea-child:not(:has(.autograd-buttons)) { display: none; }</style>"
)


def wanted() -> bool:
    """Whether buttons can be pressed where a verdict is shown now."""
    if os.environ.get("AUTOGRAD_COURSE_STATIC") or os.environ.get("NBGRADER_EXECUTION"):
        return False
    from IPython import get_ipython  # a process without a kernel need not wait for it

    return hasattr(get_ipython(), "kernel")


def show(verdict: dict[str, str], exercise: str, kinds: Sequence[str]) -> None:
    """Display a verdict, by kind of output, and below it its buttons."""
    from IPython.display import display

    page = verdict["text/html"].replace("<div ", "<div data-buttons ", 1)
    display(verdict | {"text/html": STILL + page}, raw=True)
    display({_WIDGET: _box(exercise, kinds)._repr_mimebundle_()[_WIDGET]}, raw=True)


def _box(exercise: str, kinds: Sequence[str]) -> Any:
    import ipywidgets  # 0.2 s, which a check without buttons need not wait for

    from grader.notebook.pressing import Pressing

    said = ipywidgets.Output()
    actions = {}
    for kind in kinds:
        label, told = _KINDS[kind]
        actions[kind] = label, _teller(said, told(exercise))
    box = ipywidgets.VBox([Pressing(actions), said])
    box.add_class("autograd-buttons")
    return box


def _teller(said: Any, tell: Callable[[], Text]) -> Callable[[], None]:
    def pressed() -> None:
        text = tell()
        page = f"<div role='status'>{text.page}</div>"
        data = {"text/plain": str(text), "text/html": page}
        said.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    return pressed


def _hint(exercise: str) -> Callable[[], Text]:
    return lambda: hint(exercise)


def _solution(exercise: str) -> Callable[[], Text]:
    """The solution; where hints are left, only to whoever presses a second time."""
    asked = [False]

    def tell() -> Text:
        first, asked[0] = not asked[0], True
        if first and hints_left(exercise):
            said = say("solution.press")
            return Text(said, note(said))
        return solution(exercise, reveal=True)

    return tell


_KINDS: dict[str, tuple[str, Callable[[str], Callable[[], Text]]]] = {
    "hint": ("Hint", _hint),
    "solution": ("Solution", _solution),
    "solutions": ("Other solutions", _solution),
}
