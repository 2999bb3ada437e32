"""Draws the lines of a program, and under each of them what every mode makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from course.widgets.frame import look, svg
from course.widgets.frame.svg import Picture
from course.widgets.mode import words as mode_words
from course.widgets.mode.programs import MODES, PROGRAMS, Program
from course.widgets.mode.reader import Made, Run, run

COLUMN = 180.0
GAP = 8.0
LINE = 16.0
BOX = 58.0
TAG = 22.0
CODE = 16.0
ROW = CODE + BOX + TAG + 4
HEADER = 70.0
NOTE = 26.0


class ModePicture:
    """Programs as the choices of a Player; step by step their lines run in all modes at once.

    Step 0 shows what is given, then one step per line, then one for what is held in the end.
    """

    def __init__(self, programs: Sequence[Program] = PROGRAMS) -> None:
        self.programs = programs
        self._runs: dict[int, tuple[Run, ...]] = {}

    @property
    def choices(self) -> Sequence[str]:
        """What each program is about."""
        return [program.title for program in self.programs]

    def last_step(self, choice: int) -> int:
        """One step per line, and one for the end."""
        return len(self.programs[choice].lines) + 1

    def runs(self, choice: int) -> tuple[Run, ...]:
        """What each mode made of a program, which runs when it is first asked for."""
        if choice not in self._runs:
            self._runs[choice] = tuple(run(self.programs[choice], mode) for mode in MODES)
        return self._runs[choice]

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        program, runs = self.programs[choice], self.runs(choice)
        last = self.last_step(choice)
        if step == 0:
            told = mode_words.before(program, runs)
        elif step == last:
            told = mode_words.end(program, runs)
        else:
            told = mode_words.line(program, runs, step - 1)
        drawn = _Drawing(program, runs, step)
        return Picture(
            drawn.width,
            drawn.height,
            drawn.content(),
            f"The lines of {program.title}, in four modes",
            f"Step {step} of {last}: {told}",
        )


class _Drawing:
    """One step of one program, laid out."""

    def __init__(self, program: Program, runs: Sequence[Run], step: int) -> None:
        self.program, self.runs = program, runs
        self.done = min(step, len(program.lines))
        self.active = step - 1 if 0 < step <= len(program.lines) else None

    @property
    def width(self) -> float:
        return self._column(len(self.runs)) - GAP + svg.MARGIN

    @property
    def height(self) -> float:
        return self._row(len(self.program.lines)) + CODE + TAG + svg.MARGIN

    @cached_property
    def given(self) -> Sequence[str]:
        """The code that ran before, in every mode alike."""
        return self.program.given.splitlines()

    @property
    def _top(self) -> float:
        """Where the columns begin, below the code that was given."""
        return svg.MARGIN + look.LINE_HEIGHT * len(self.given) + 12

    def _row(self, index: int) -> float:
        """The top of a row; the lines behind the block stand under a note of their own."""
        behind = index >= len(self.program.inside) and bool(self.program.after)
        return self._top + HEADER + index * ROW + (NOTE if behind else 0)

    def _column(self, number: int) -> float:
        return svg.MARGIN + number * (COLUMN + GAP)

    def content(self) -> str:
        """Every part of the picture."""
        parts = [self._header(), *map(self._line, range(len(self.program.lines)))]
        if self.program.after:
            parts.append(self._note())
        parts.append(self._footer())
        return "".join(parts)

    def _header(self) -> str:
        first, indent = svg.MARGIN + look.LINE_HEIGHT / 2, svg.MARGIN + 52
        parts = [svg.text("before", svg.MARGIN, first, "words muted", "start")]
        for number, code in enumerate(self.given):
            parts.append(svg.text(code, indent, first + number * look.LINE_HEIGHT, "", "start"))
        y = self._top
        parts += [
            self._rule(y),
            svg.text("each line runs in", svg.MARGIN, y + 14, "words muted", "start"),
        ]
        for number, one in enumerate(self.runs):
            middle = self._column(number) + COLUMN / 2
            flag = "eval" if one.mode.evaluates else "train"
            parts.append(svg.text(one.mode.title, middle, y + 30, "strong"))
            parts.append(svg.text(f"modules in {flag} mode", middle, y + 46, "words muted"))
        return svg.group([*parts, self._rule(y + 58)])

    def _note(self) -> str:
        y = self._row(len(self.program.inside)) - NOTE
        told = "behind the block: recording is on again"
        return self._rule(y - 8) + svg.text(told, svg.MARGIN, y + 6, "words strong", "start")

    def _rule(self, y: float) -> str:
        return svg.line((svg.MARGIN, y), (self.width - svg.MARGIN, y), "forward")

    def _line(self, index: int) -> str:
        y, ran = self._row(index), index < self.done
        now = index == self.active
        style = "strong" if now else "" if ran else "muted"
        parts = [svg.text(self.program.lines[index], svg.MARGIN, y + CODE / 2 - 2, style, "start")]
        y += CODE
        for number, one in enumerate(self.runs):
            x = self._column(number)
            if ran:
                parts.append(_made(one.made[index], x, y, now))
            else:
                parts.append(svg.box(x, y, COLUMN, BOX, "later", look.RADIUS))
        marks = {"data_touched": "", "data_active": ""} if now else {}
        return svg.group(parts, **marks)

    def _footer(self) -> str:
        y = self._row(len(self.program.lines)) + CODE / 2 - 2
        parts = [svg.text("held for a backward pass", svg.MARGIN, y, "words", "start")]
        y += CODE / 2 + 2 + TAG / 2
        for number, one in enumerate(self.runs):
            x, held = self._column(number), one.held(self.done)
            parts.append(svg.box(x, y - TAG / 2, COLUMN, TAG, "saved" if held else "later", 3))
            told = f"{held:,} bytes"
            parts.append(svg.text(told, x + COLUMN / 2, y, "small strong" if held else "small"))
        return svg.group(parts)


def _made(made: Made, x: float, y: float, now: bool) -> str:
    """One line in one mode: the tensor's box, and under it the tag of what was saved."""
    lines, kind = _told(made)
    middle, top = x + COLUMN / 2, y + BOX / 2 - LINE * (len(lines) - 1) / 2
    style = f"{kind} read" if now else kind
    parts = [svg.box(x, y, COLUMN, BOX, style, look.RADIUS if made.is_leaf else 0)]
    for number, told in enumerate(lines):
        weight = "small strong" if number == 0 else "small"
        parts.append(svg.text(told, middle, top + number * LINE, weight))
    if made.saved:
        many = "1 saved" if len(made.saved) == 1 else f"{len(made.saved)} saved"
        tag = f"{many}, +{made.held:,} bytes"
        parts.append(svg.box(x, y + BOX + 2, COLUMN, TAG - 4, "saved", 3))
        parts.append(svg.text(tag, middle, y + BOX + TAG / 2, "small"))
    return svg.group(parts, title=_details(made))


def _told(made: Made) -> tuple[list[str], str]:
    """What the box of a tensor says, and how it is drawn."""
    if made.error:
        return [f"raises {made.error.partition(':')[0]}", *_first_words(made.error)], "label"
    assert made.value is not None
    third = made.value.short(16)
    lines = [
        made.grad_fn or ("leaf" if made.requires_grad else "no grad"),
        f"requires_grad={made.requires_grad}",
        f"{third} inference" if made.is_inference else third,
    ]
    if made.grad_fn:
        return lines, "tensor"
    return lines, "leaf" if made.requires_grad else "constant"


def _first_words(error: str) -> list[str]:
    """The start of an error's text, in two lines."""
    words, lines = error.partition(": ")[2].split(), [""]
    for word in words:
        if svg.text_width(f"{lines[-1]} {word} …", look.SMALL_FONT_SIZE) < COLUMN - 8:
            lines[-1] = f"{lines[-1]} {word}".strip()
        elif len(lines) == 2:
            lines[-1] += " …"
            break
        else:
            lines.append(word)
    return lines


def _details(made: Made) -> str:
    """What the mouse can ask for: the flags, and the names of what was saved."""
    if made.error:
        return made.error
    flags = [
        f"{made.name}.grad_fn = {made.grad_fn or None}",
        f"{made.name}.requires_grad = {made.requires_grad}",
        f"{made.name}.is_leaf = {made.is_leaf}",
        f"{made.name}.is_inference() = {made.is_inference}",
    ]
    return "\n".join([*flags, *(f"saved: {name}" for name in made.saved)])
