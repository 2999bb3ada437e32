"""Lays what a learner wrote onto an assignment's form; all else in the submission is the form's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import from_dict
from nbgrader.utils import compute_checksum

from grader.judge.books.unanswered import elsewhere
from grader.judge.intake.embedded import Embedding
from grader.judge.intake.form import Form, FormCell, Notebook, as_cell, as_notebook, plain_cell
from grader.judge.intake.lenient import SubmittedCell, read
from grader.judge.intake.matching import candidates, choose, other_assignment, stripped
from grader.judge.intake.pictures import KINDS, picture
from grader.judge.intake.printable import quote
from grader.judge.intake.repairs import Repair, gathered, repair

MIB = 1024 * 1024
MOST_TEXT = 1 * MIB
"""The longest text of one cell."""
MOST_OWN_CELLS = 500
MOST_OWN_TEXT = 8 * MIB
"""How many cells of the learner's own are kept, and how much text in them together."""
MOST_ATTACHED = 8 * MIB
"""How much base64 the pictures attached to written answers may hold together."""

_FLAGS = ("grade", "solution", "locked", "task")
_VALUES = ("points", "schema_version")


@dataclass(frozen=True)
class Normalised:
    """A notebook whose graded cells are exactly the form's, and what was put right on the way."""

    notebook: Notebook
    repairs: tuple[Repair, ...] = ()


def normalise(
    raw: bytes | None, form: Form, files: Mapping[str, bytes] | None = None
) -> Normalised:
    """The form with a submission's answers in it. Never raises, whatever the bytes.

    A cell is known by its grade_id, else by its id, else by an unchanged text. Of several copies of
    an answer the first that was written in is graded. Every other cell stays, without nbgrader's
    settings, after the known cell it followed; the known cells stand in the form's order. Pictures
    that a text shows come along, out of it or out of the `files` beside the notebook.
    """
    if raw is None:
        return Normalised(form.notebook())
    reading = read(raw)
    if not reading.readable:
        return Normalised(form.notebook(), reading.repairs)
    if other := other_assignment(reading.cells, form):
        wrong = repair("other_assignment", found=quote(other[0]), count=other[1])
        return Normalised(form.notebook(), (wrong,))
    embedding = Embedding(files or {})
    laying = _Laying(form, [embedding.attached(cell) for cell in reading.cells])
    notebook = laying.notebook()
    language = _language(reading.language, form)
    found = (*reading.repairs, *language, *laying.repairs(), *_elsewhere(notebook))
    return Normalised(notebook, found)


def _elsewhere(notebook: Notebook) -> Iterable[Repair]:
    return (repair("elsewhere", name, found=said) for name, said in elsewhere(notebook).items())


class _Laying:
    """One submission's cells on their way onto a form."""

    def __init__(self, form: Form, cells: Sequence[SubmittedCell]) -> None:
        self._form, self._cells = form, cells
        self._candidates = candidates(form.cells, cells)
        self._chosen = {
            place: choose(form.cells[place], found, cells)
            for place, found in self._candidates.items()
        }
        self._attachments = _Attachments()
        self._own = _Own(self._attachments)
        self._about: list[Repair] = []

    def notebook(self) -> Notebook:
        own = self._own_cells()
        laid = [self._own.take(found) for found in own[-1]]
        for place, cell in enumerate(self._form.cells):
            laid.append(self._known(place, cell))
            laid += [self._own.take(found) for found in own[place]]
        taken = {cell.id for cell in self._form.cells}
        kept = _named([cell for cell in laid if cell is not None], taken)
        return as_notebook(kept, self._form.metadata)

    def repairs(self) -> Iterable[Repair]:
        """What there is to say once the notebook is made."""
        if not any(self._form.cells[place].grade_id for place in self._chosen):
            yield repair("no_cells")
        extra = self._of_another_release()
        if extra:
            yield self._another_release(extra)
        elif self._out_of_order():
            yield repair("moved")
        yield from gathered(one for one in self._about if not extra or one.code != "restored")
        yield from self._strangers(extra)
        yield from self._own.repairs()
        if self._attachments.dropped:
            limit = f"{MOST_ATTACHED // MIB} MiB"
            yield repair("attachment", count=self._attachments.dropped, limit=limit)

    def _known(self, place: int, cell: FormCell) -> Any:
        if place not in self._chosen:
            known = any(self._form.cells[p].grade_id for p in self._chosen)
            if cell.grade_id and known and not cell.is_signpost:
                self._about.append(repair("restored", cell.grade_id))
            return as_cell(cell)
        found = self._cells[self._chosen[place]]
        if cell.grade_id:
            self._about += _differences(cell, found)
            self._about += self._copies(place, cell)
        if cell.locked or found.source is None or len(found.source) > MOST_TEXT:
            return as_cell(cell)
        return as_cell(cell, found.source, self._attachments.kept(found, cell.type))

    def _copies(self, place: int, cell: FormCell) -> Iterable[Repair]:
        copies = self._candidates[place]
        if len(copies) > 1 and not cell.is_signpost:
            first = self._chosen[place] == copies[0]
            kept = "The first" if first else "The first that was written in"
            yield repair("copied", cell.grade_id, count=len(copies), kept=kept)

    def _own_cells(self) -> Mapping[int, list[SubmittedCell]]:
        """The learner's own cells by the place in the form that they come after."""
        known = {found: place for place, found in self._chosen.items()}
        own: dict[int, list[SubmittedCell]] = defaultdict(list)
        after = -1
        for index, cell in enumerate(self._cells):
            if index in known:
                after = known[index]
            else:
                own[self._past_restored(after)].append(cell)
        return own

    def _past_restored(self, place: int) -> int:
        """Cells put back after `place` come first, up to a test: the learner's text has the last
        word over the starting text of a cell that it may have replaced."""
        cells = self._form.cells
        while place + 1 < len(cells) and place + 1 not in self._chosen:
            if cells[place + 1].locked and cells[place + 1].graded:
                break
            place += 1
        return place

    def _out_of_order(self) -> bool:
        tagged = {p: found for p, found in self._chosen.items() if self._form.cells[p].grade_id}
        order = [found for _, found in sorted(tagged.items())]
        return order != sorted(order)

    def _unknown(self) -> Iterable[SubmittedCell]:
        """Cells that claim to be the assignment's under names it does not have."""
        names = {cell.grade_id for cell in self._form.cells}
        chosen = set(self._chosen.values())
        for index, cell in enumerate(self._cells):
            if cell.grade_id and cell.grade_id not in names and index not in chosen:
                yield cell

    def _of_another_release(self) -> list[str]:
        """The names of graded cells that are as nbgrader released them, and not in this release."""
        return [
            cell.grade_id
            for cell in self._unknown()
            if cell.grade_id and cell.settings.get("grade") and _fits(cell)
        ]

    def _another_release(self, extra: Sequence[str]) -> Repair:
        chosen = {self._form.cells[place].grade_id for place in self._chosen}
        absent = [cell.grade_id for cell in self._form.cells if cell.graded]
        missing = _listed(name for name in absent if name and name not in chosen)
        lacking = f", and not {missing}" if missing else ""
        return repair("another_release", found=_listed(extra), missing=lacking)

    def _strangers(self, released: Sequence[str]) -> Iterable[Repair]:
        """Names that are of no release, as far as can be told."""
        known = {*released, *(f"{name}_answer" for name in released)}
        found = [name for cell in self._unknown() if (name := cell.grade_id) and name not in known]
        if found:
            yield repair("unknown_cells", count=len(found), found=_listed(found))


def _listed(names: Iterable[str]) -> str:
    several = [quote(name) for name in dict.fromkeys(names)]
    return ", ".join(several[:5]) + (", …" if len(several) > 5 else "")


def _differences(cell: FormCell, found: SubmittedCell) -> Iterable[Repair]:
    """What was changed about a cell that nbgrader knows."""
    name = cell.grade_id
    if _is_of_another_release(cell, found):
        yield repair("older_release", name)
        return
    if found.grade_id != name:
        yield repair("lost_settings", name)
    elif changed := list(_changed(cell, found.settings)):
        yield repair("settings", name, found=", ".join(changed))
    if found.type != cell.type:
        yield repair("retyped", name, found=found.type, wanted=cell.type)
    if cell.locked:
        if stripped(found.source) not in (stripped(cell.released), stripped(cell.source)):
            yield repair("rewritten", name)
    elif found.source is None:
        yield repair("unreadable", name)
    elif len(found.source) > MOST_TEXT:
        yield repair("too_long", name, limit=f"{MOST_TEXT // MIB} MiB")


def _is_of_another_release(cell: FormCell, found: SubmittedCell) -> bool:
    """Whether nbgrader's checksum in a locked cell fits the cell, and is not that of the release.

    Whoever works a checksum out anew passes for this: the form's text is run all the same.
    """
    if not cell.locked or found.grade_id != cell.grade_id:
        return False
    return found.settings.get("checksum") != (cell.settings or {}).get("checksum") and _fits(found)


def _fits(found: SubmittedCell) -> bool:
    """Whether nbgrader's checksum in a cell is that of the cell as it stands."""
    settings = found.settings
    checksum = settings.get("checksum")
    if not isinstance(checksum, str) or found.source is None:
        return False
    kept = {name: settings.get(name) for name in ("grade_id", "points", *_FLAGS)}
    metadata = {"nbgrader": kept}
    try:
        fits: bool = checksum == compute_checksum(
            from_dict({"cell_type": found.type, "source": found.source, "metadata": metadata})
        )
    except (ValueError, TypeError, OverflowError):  # points that are no number
        return False
    return fits


def _changed(cell: FormCell, found: Mapping[str, Any]) -> Iterable[str]:
    given = cell.settings or {}
    yield from (flag for flag in _FLAGS if bool(given.get(flag)) != bool(found.get(flag)))
    # A re-release gives an answer's starting text, and with it the cell, another checksum.
    values = (*_VALUES, "checksum") if cell.locked else _VALUES
    yield from (key for key in values if key in found and found[key] != given.get(key))


def _language(found: str | None, form: Form) -> Iterable[Repair]:
    metadata = form.metadata
    wanted = metadata.get("kernelspec", {}).get("language") or metadata.get(
        "language_info", {}
    ).get("name")
    if found and wanted and found.lower() != wanted.lower():
        yield repair("language", found=found, wanted=wanted)


@dataclass
class _Attachments:
    """The pictures in written answers, as far as there is room for them."""

    room: int = MOST_ATTACHED
    dropped: int = 0

    def kept(self, found: SubmittedCell, cell_type: str) -> dict[str, dict[str, str]]:
        pictures: dict[str, dict[str, str]] = {}
        for name, kinds in found.attachments.items() if cell_type == "markdown" else ():
            mime = next((kind for kind in KINDS if isinstance(kinds, dict) and kind in kinds), None)
            text = picture(mime, kinds[mime]) if mime else None
            if mime is None or text is None or len(text) > self.room or len(name) > 200:
                self.dropped += 1
                continue
            self.room -= len(text)
            pictures[name] = {mime: text}
        return pictures


@dataclass
class _Own:
    """The learner's own cells, as far as there is room for them."""

    attachments: _Attachments
    room: int = MOST_OWN_TEXT
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def take(self, found: SubmittedCell) -> Any:
        """The cell, or None if there is no room for it."""
        if found.source is None:
            self.dropped["unreadable_cells"] += 1
            return None
        size = len(found.source)
        if self.kept == MOST_OWN_CELLS or size > min(self.room, MOST_TEXT):
            self.dropped["too_many_cells"] += 1
            return None
        self.kept += 1
        self.room -= size
        pictures = self.attachments.kept(found, found.type)
        return plain_cell(found.type, "", found.source, {}, pictures)

    def repairs(self) -> Iterable[Repair]:
        limit = f"{MOST_OWN_CELLS}, with {MOST_OWN_TEXT // MIB} MiB of text in them"
        for code, count in self.dropped.items():
            yield repair(code, count=count, limit=limit)


def _named(cells: list[Any], taken: set[str]) -> list[Any]:
    """The cells with ids: the learner's own are numbered."""
    number = 0
    for cell in cells:
        while not cell["id"]:
            number += 1
            name = f"own-{number}"
            cell["id"] = "" if name in taken else name
    return cells
