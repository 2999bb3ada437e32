"""A question that is live beside a running kernel, and stays readable without one."""

from __future__ import annotations

from typing import Any

import ipywidgets
from IPython.display import display

from course.quiz import page
from course.widgets.frame.player import wants_static

_WIDGET = "application/vnd.jupyter.widget-view+json"

# The static form gives way to a live one that follows it. Without a kernel JupyterLab writes an
# error where the live one would be: that is what gives way then. The delay avoids a flicker.
_STILL = """<style>
@keyframes cq-appear {{ from {{ max-height: 0; }} to {{ max-height: none; }} }}
.cq-still {{ overflow: hidden; animation: cq-appear 1ms 700ms both; }}
.jp-OutputArea-child:has(.cq-still):has(+ .jp-OutputArea-child .{frame}),
.jp-OutputArea-child:has(.cq-still) + .jp-OutputArea-child:not(:has(.{frame})) {{ display: none; }}
</style>
<div class='cq-still'>{content}</div>
"""


class LiveQuestion:
    """Two outputs, a static one and a live one: a page shows the one it can."""

    def widget(self) -> ipywidgets.Box:
        """The live form, a box of the class `page.FRAME`."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        still = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        return still if wants_static() else dict(self.widget()._repr_mimebundle_()) | still

    def _ipython_display_(self) -> None:
        # An exporter, or a notebook opened again, takes one form of an output: it would choose the
        # live one and find no kernel behind it. So the two forms are two outputs.
        content = self._repr_html_()
        live = not wants_static()
        if live:
            content = _STILL.format(frame=page.FRAME, content=content)
        display({"text/html": content, "text/plain": repr(self)}, raw=True)
        if live:
            display({_WIDGET: self.widget()._repr_mimebundle_()[_WIDGET]}, raw=True)
