"""The frame of every stepped picture: its controls above it, and under them its sentence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import anywidget
import ipywidgets
import traitlets
from IPython.display import display

from course.widgets.frame import look, recorded
from course.widgets.frame.svg import Picture

STEP_MS = 2000
_LIVE = ".ag-live"
_STAGE = ".ag-stage"
# A shadow at the side where more of the picture can be scrolled to; the card hides it at the end.
_SCROLL_SHADOWS = ", ".join(
    f"linear-gradient(to {away}, var({colour}){stop}, transparent) {side} / {width} 100% no-repeat "
    f"{attachment}"
    for colour, stop, width, attachment in (
        ("--ag-card", " 40%", "40px", "local"),
        ("--ag-hairline", "", "12px", "scroll"),
    )
    for side, away in (("left", "right"), ("right", "left"))
)
STYLE = f"""
{look.theme_variables(_STAGE)}
{look.style_sheet(_LIVE)}
{_STAGE} {{ margin: 4px 0 8px; }}
.ag-player:not(.ag-alive) {{ display: none; }}
.ag-frame {{ overflow: auto; max-height: max(240px, min(72vh, 100vh - 270px));
  border: 1px solid var(--ag-hairline); border-radius: 8px;
  background: {_SCROLL_SHADOWS}, var(--ag-card); }}
@media (max-width: 1000px) {{ .ag-frame {{ max-height: max(240px, 100vh - 345px); }} }}
.ag-frame [data-open] {{ cursor: pointer; }}
.ag-frame svg {{ display: block; margin: 0 auto; }}
.ag-frame:has(svg + svg) svg {{ margin: 0; }}
.ag-frame svg + svg {{ border-top: 1px dashed var(--ag-line); }}
.ag-frame:focus-visible {{ outline: 3px solid var(--ag-storage-stroke); outline-offset: 1px; }}
.ag-sentence {{ margin: 2px 2px 6px; min-height: 1.5em; line-height: 1.5; font-size: 14px;
  font-family: var(--jp-content-font-family, {look.TEXT_FONT});
  color: var(--jp-content-font-color1, var(--ag-ink)); }}
.ag-zoom {{ float: right; margin: 0 2px 4px 8px; padding: 2px 8px; font: inherit; font-size: 13px;
  color: var(--jp-content-font-color1, var(--ag-ink)); background: transparent;
  border: 1px solid var(--jp-border-color1, var(--ag-line)); border-radius: 4px; cursor: pointer; }}
.ag-zoom[aria-pressed="true"] {{ color: var(--jp-layout-color0, var(--ag-card));
  background: var(--jp-content-font-color1, var(--ag-ink)); }}
.ag-zoom[hidden] {{ display: none; }}
.ag-player .widget-dropdown select {{ flex: 1 1 auto; min-width: 0; text-overflow: ellipsis; }}
.ag-player .ag-one {{ min-width: 34px; padding: 0 8px; font-size: 18px; line-height: 1; }}
.ag-gone {{ margin: 0 2px 6px; font-weight: 600; font-family: var(--jp-content-font-family,
  {look.TEXT_FONT}); color: var(--jp-content-font-color1, var(--ag-ink)); }}
.ag-gone:empty {{ display: none; }}
.ag-zoom:focus-visible,
.ag-player .widget-dropdown select:focus-visible,
.ag-player button:focus-visible,
.ag-player .noUi-handle:focus-visible {{ outline: 3px solid var(--jp-brand-color1, #0072B2);
  outline-offset: 2px; }}
/* Reset does what ipywidgets' stop button does, and says so. */
.ag-player .widget-play button:not(:first-child) {{ display: none; }}
.ag-player .widget-play {{ width: auto; }}
@media (prefers-reduced-motion: no-preference) {{
  {_LIVE} .gradient-now, {_LIVE} .label-now {{ animation: ag-arrive {look.MOTION_MS}ms ease-out; }}
  @keyframes ag-arrive {{ from {{ opacity: 0; }} }}
}}
"""


# Appears only if no kernel has answered for a moment, so that nothing flickers where one does.
# The last rule hides what JupyterLab writes in place of a live picture without a kernel.
_STILL = """<style>
@keyframes ag-appear {{ from {{ max-height: 0; }} to {{ max-height: none; }} }}
.ag-still {{ overflow: hidden; animation: ag-appear 1ms 700ms both; }}
.jp-OutputArea-child:has(.ag-still) + .jp-OutputArea-child:not(:has(.ag-player)) {{
  display: none; }}
</style>
<div class="ag-still" id="{id}">{picture}<p>Run this cell to step through the picture. If it stays
still, your editor shows no widgets.</p></div>
"""


class Stepped(Protocol):
    """What a player plays: choices, each with a number of steps, each step a Picture."""

    @property
    def choices(self) -> Sequence[str]:
        """What can be shown, as the learner would write or say it."""

    def last_step(self, choice: int) -> int:
        """The number of the last step; the first is 0."""

    def picture(self, choice: int, step: int) -> Picture:
        """The picture of one step."""


class Stage(anywidget.AnyWidget):
    """The sentence, a live region that stays while its text changes, and under it the picture."""

    _esm = Path(__file__).with_name("stage.js")
    _css = STYLE
    svg = traitlets.Unicode().tag(sync=True)
    sentence = traitlets.Unicode().tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.still = f"ag-still-{self.model_id}"
        self.on_msg(self._hear)

    def _hear(self, _: object, message: dict[str, str], __: object) -> None:
        if "ask" in message:
            self.send({"alive": True})


class Player(ipywidgets.VBox):
    """A stepped picture with its controls; where no kernel runs, the picture of ``fallback_step``.

    Args:
        stepped: the choices, steps and pictures.
        label: what the first control chooses, one word.
        first_step: the step shown at first.
        fallback_step: the step a page without a kernel shows; the last one if None.
    """

    def __init__(
        self,
        stepped: Stepped,
        label: str = "run",
        first_step: int = 0,
        fallback_step: int | None = None,
    ) -> None:
        self._stepped = stepped
        self.label, self.first_step = label, first_step
        self._fallback_step = fallback_step
        last = stepped.last_step(0)
        self.what = ipywidgets.Dropdown(
            options=[(name, index) for index, name in enumerate(stepped.choices)],
            description=label,
            style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "calc(100% - 4px)"},
        )
        self.slider = ipywidgets.IntSlider(
            value=first_step,
            min=0,
            max=last,
            description="step",
            style={"description_width": "initial"},
            layout={"width": "auto", "flex": "1 1 150px", "max_width": "420px"},
        )
        self.play = ipywidgets.Play(
            value=first_step, min=0, max=last, interval=STEP_MS, show_repeat=False
        )
        self.reset = ipywidgets.Button(
            description="Reset", tooltip="Back to step 0", layout={"width": "auto"}
        )
        self.stage = Stage()
        self.back, self.on = (
            self._stepper("‹", "One step back", -1),
            self._stepper("›", "One step on", 1),
        )
        self._steps = ipywidgets.HBox(
            [self.back, self.slider, self.on, self.play, self.reset],
            layout={"align_items": "center", "flex": "1 1 340px", "min_width": "0"},
        )
        controls = ipywidgets.HBox(
            [self.what, self._steps], layout={"flex_flow": "row wrap", "align_items": "center"}
        )
        super().__init__([controls, self.stage])
        self.add_class("ag-player")
        ipywidgets.jslink((self.play, "value"), (self.slider, "value"))
        self.slider.observe(lambda _: self._show(), "value")
        self.what.observe(lambda _: self._choose(), "value")
        self.reset.on_click(lambda _: self.restart())
        self.stage.on_msg(self._opened)
        self._show()

    def _stepper(self, sign: str, tooltip: str, by: int) -> ipywidgets.Button:
        button = ipywidgets.Button(description=sign, tooltip=tooltip, layout={"width": "auto"})
        button.add_class("ag-one")
        button.on_click(lambda _: self.move(by))
        return button

    @property
    def step(self) -> int:
        """The step shown, from 0; assigning moves the slider."""
        return int(self.slider.value)

    @step.setter
    def step(self, value: int) -> None:
        self.slider.value = value

    @property
    def last_step(self) -> int:
        """The last step of the present choice."""
        return self._stepped.last_step(self.what.value)

    @property
    def sentence(self) -> str:
        """The sentence above the picture."""
        return str(self.stage.sentence)

    def move(self, by: int) -> None:
        """Stop playing and go so many steps on, or back if negative; the ends hold."""
        self.play.playing = False
        self.step = max(0, min(self.last_step, self.step + by))

    def restart(self) -> None:
        """Stop playing and go back to step 0."""
        self.play.playing = False
        self.play.value = 0
        self.slider.value = 0

    def _opened(self, _: object, message: dict[str, str], __: object) -> None:
        """A box of the picture was clicked that another choice shows from inside."""
        if message.get("open") in self._stepped.choices:
            self.restart()
            self.what.value = list(self._stepped.choices).index(message["open"])

    def _choose(self) -> None:
        self.play.playing = False
        if self.slider.max != self.last_step:
            self.play.max = self.slider.max = self.last_step
            # The slider's End key knows the range it was drawn with: have it drawn anew.
            controls = self._steps.children
            self._steps.children = controls[:1]
            self._steps.children = controls
        self._show()

    def _show(self) -> None:
        picture = self._stepped.picture(self.what.value, self.step)
        with self.stage.hold_sync():
            self.stage.svg, self.stage.sentence = picture.live(), picture.sentence

    def fallback(self) -> Picture:
        """The picture for pages without a kernel."""
        step = self.last_step if self._fallback_step is None else self._fallback_step
        return self._stepped.picture(self.what.value, step)

    @property
    def first_choice(self) -> int:
        """The number of the present choice, which is shown at first."""
        return int(self.what.value)

    def steps(self) -> list[tuple[str, list[Picture]]]:
        """Every choice, and the picture of each of its steps."""
        return [
            (name, [self._stepped.picture(choice, step) for step in range(self._count(choice))])
            for choice, name in enumerate(self._stepped.choices)
        ]

    def _count(self, choice: int) -> int:
        return self._stepped.last_step(choice) + 1

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        still = self.fallback()._repr_mimebundle_()
        return still if wants_static() else {**super()._repr_mimebundle_(**options), **still}

    def _ipython_display_(self) -> None:
        """Show the still picture, and beside it the live one, which removes the still one.

        They are two outputs because a page takes one form of an output only: a notebook opened
        again, or exported, would choose the live form and find no kernel behind it.
        """
        still = self.fallback()._repr_mimebundle_()
        if not wants_static():
            still["text/html"] = _STILL.format(id=self.stage.still, picture=still["text/html"])
        if recorded.wanted():
            still |= recorded.bundle(self)
        display(still, raw=True)
        if not wants_static():
            live = "application/vnd.jupyter.widget-view+json"
            display({live: super()._repr_mimebundle_()[live]}, raw=True)


def wants_static() -> bool:
    """Whether outputs are made for a page without a kernel.

    So it is under nbgrader, and where ``AUTOGRAD_COURSE_STATIC`` is set (to build the book): an
    exporter that meets a live picture beside a static one would take the live one, which is empty
    without a kernel.
    """
    return bool(os.environ.get("AUTOGRAD_COURSE_STATIC") or os.environ.get("NBGRADER_EXECUTION"))
