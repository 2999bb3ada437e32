"""A question that is live beside a running kernel, and stays readable without one."""

from __future__ import annotations

from typing import Any

from IPython.display import display

from course.quiz import page
from course.quiz.form import Form
from course.widgets.frame.player import wants_static
from grader.notebook.record import records
from grader.notebook.record.store import Store

_WIDGET = "application/vnd.jupyter.widget-view+json"

# The static form gives way to a live one that follows it: by these rules in JupyterLab, elsewhere
# by the live one's script. Without a kernel JupyterLab writes an error where the live one would be:
# that is what gives way then. The delay avoids a flicker.
_STILL = """<style>
@keyframes cq-appear {{ from {{ max-height: 0; }} to {{ max-height: none; }} }}
.cq-still {{ overflow: hidden; animation: cq-appear 1ms 700ms both; }}
.jp-OutputArea-child:has(.cq-still):has(+ .jp-OutputArea-child .{frame}),
.jp-OutputArea-child:has(.cq-still) + .jp-OutputArea-child:not(:has(.{frame})) {{ display: none; }}
</style>
<div class='cq-still' id='{id}'>{content}
{run}
</div>
"""
TO_RUN = (
    "<p>What you open here is not recorded. Run this cell to answer. "
    "If this line stays, your editor shows no widgets.</p>"
)
"""What the static form says in a notebook. It means nothing on a page that has no cells to run."""


class LiveQuestion:
    """Two outputs, a static one and a live one: a page shows the one it can."""

    id: str

    def widget(self) -> Form:
        """The live form, of the class `page.FRAME`."""
        raise NotImplementedError

    def recorded(self, said: str, right: bool, kept: Store) -> str:
        """Keep an answer in the learner's record; what is to be said of that, as HTML.

        A question without an id is nobody's but the notebook's, and is not kept. `kept` is the
        record of when it was asked: a notebook may go on with another one, to try things out.
        """
        if not self.id:
            return ""
        known = records.answered(self.id, said, right, kept)
        told = kept.untold()
        if known.tries > 1:
            first = "was right" if known.first_right else "was not right"
            told.insert(0, f"Your first answer {first}: `{known.first}`.")
        return "".join(page.reply(None, text) for text in told)

    def _repr_html_(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        still = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        return still if wants_static() else _live(self.widget()) | still

    def _ipython_display_(self) -> None:
        # An exporter, or a notebook opened again, takes one form of an output: it would choose the
        # live one and find no kernel behind it. So the two forms are two outputs.
        content = self._repr_html_()
        live = None if wants_static() else self.widget()
        if live:
            content = _STILL.format(frame=page.FRAME, id=live.still, content=content, run=TO_RUN)
        display({"text/html": content, "text/plain": repr(self)}, raw=True)
        if live:
            display(_live(live), raw=True)


def _live(form: Form) -> dict[str, Any]:
    """A form as an output in its live form alone."""
    data = form._repr_mimebundle_()
    bundle: dict[str, Any] = data[0] if isinstance(data, tuple) else data or {}
    return {_WIDGET: bundle[_WIDGET]}
