"""Lays a new exercise as a skeleton: task, key, right answers, section and topic row.

Every text that is to come is a `…`, and what is to be computed raises: `prove` names each of them.
"""

from __future__ import annotations

import builtins
import difflib
import keyword
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template

from grader.authoring.promises import PLACEHOLDER
from grader.engine.catalogue import Chapter, chapters, written
from grader.engine.refusal import Refusal
from grader.notebook import files
from grader.trusted.catalogue import keys

_TAKEN_BY_NOTEBOOKS = {"check", "device", "exercises", "hint", "progress", "solution", "torch"}


class NotLaid(Refusal):
    """The chapter is unknown, or the id cannot be given to an exercise. Nothing was written."""


@dataclass(frozen=True)
class Laid:
    """One file of the skeleton, and whether it is new or was added to."""

    path: Path
    what: str


def lay(course: Path, chapter: str, exercise: str) -> list[Laid]:
    """Write the skeleton of an exercise into a checkout, as the last one of its chapter.

    Raises NotLaid before anything is written.
    """
    home = _chapter(chapter)
    _may_be_called(exercise)
    texts = _texts(course, home, exercise)
    for path in list(texts)[:2]:
        if path.exists():
            raise NotLaid(f"There is a {path} already.", "Choose another id.")
    for path, (_, content) in texts.items():
        files.write(path, content.encode())
    return [Laid(path, what) for path, (what, _) in texts.items()]


def _texts(course: Path, chapter: Chapter, exercise: str) -> dict[Path, tuple[str, str]]:
    """What is done in each file of the skeleton, and its whole new content."""
    name = "".join(word.capitalize() for word in exercise.split("_"))
    words = {"id": exercise, "name": name, "todo": PLACEHOLDER}
    tasks = course / "grader" / "tasks" / chapter.package
    keys = course / "grader" / "keys" / chapter.package
    order, answers = tasks / "__init__.py", keys / "right_answers.py"
    text = course / "solutions" / chapter.name / f"{chapter.name}.md"
    topics = course / "docs" / "coverage.md"
    return {
        tasks / f"{exercise}.py": ("the task", Template(_TASK).substitute(words)),
        keys / f"{exercise}.py": ("the key", Template(_KEY).substitute(words)),
        order: ("last in the chapter's order", _listed(_read(order), exercise)),
        answers: (
            "other right answers",
            _with_answers(_read(answers), Template(_ANSWER).substitute(words), exercise),
        ),
        text: ("its section", _with_section(_read(text), Template(_SECTION).substitute(words))),
        topics: ("the row of its topic", _with_row(_read(topics), chapter, exercise)),
    }


def _chapter(name: str) -> Chapter:
    known = {key: chapter for chapter in chapters() for key in (chapter.name, chapter.package)}
    if name in known:
        return known[name]
    names = [chapter.name for chapter in chapters()]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    raise NotLaid(
        f"There is no chapter {name!r}.",
        f"Did you mean {known[near[0]].name!r}?" if near else f"There are {', '.join(names)}.",
    )


def _may_be_called(exercise: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,40}", exercise) or keyword.iskeyword(exercise):
        raise NotLaid(
            f"{exercise!r} cannot be the id of an exercise.",
            "It names a function: small letters, digits and _, from 3 to 41 of them, a letter "
            "first, and no word of Python's, such as two_path_grad.",
        )
    if hasattr(builtins, exercise) or exercise in _TAKEN_BY_NOTEBOOKS:
        raise NotLaid(
            f"{exercise!r} is a name that notebooks use already.", "Choose another: it is hidden."
        )
    listed = {one for chapter in chapters() for one in chapter.exercises}
    taken = {name: task.id for task in written().values() for name in (task.id, *task.functions)}
    if exercise in listed | set(taken) | set(keys()):
        raise NotLaid(
            f"{exercise!r} is taken: {taken.get(exercise, exercise)} is an exercise already.",
            "Ids are unique in the course. Choose another.",
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotLaid(f"There is no {path}.", "A chapter has it: see CONTRIBUTING.md.") from error


def _listed(text: str, exercise: str) -> str:
    head, opening, rest = text.partition("EXERCISES = (")
    inside, closing, tail = rest.partition(")")
    if not opening or not closing:
        raise NotLaid("The chapter has no list EXERCISES = (…).", "Write it beside CHAPTER.")
    inside = inside.rstrip().rstrip(",")
    return (
        f'{head}{opening}{inside}{"," * bool(inside.strip())}\n    "{exercise}",\n{closing}{tail}'
    )


def _with_answers(text: str, answer: str, exercise: str) -> str:
    head, opening, table = text.rpartition("\n\nANSWERS = {")
    if not opening:
        raise NotLaid("right_answers.py has no table ANSWERS = {…}.", "Write it at the end.")
    body, closing, tail = table.rpartition("}")
    entry = f'    "{exercise}": [({exercise}_otherwise,)],\n'
    return f"{head.rstrip()}\n\n\n{answer}{opening}{body}{entry}{closing}{tail}"


def _with_section(text: str, section: str) -> str:
    """The section stands before the written answer, which ends a chapter, or else at the end."""
    headings = [found.start() for found in re.finditer(r"(?m)^## ", text)]
    by_hand = [at for at in headings if re.search(r'(?m)^\+\+\+ .*"grade": true', text[at:])]
    last = by_hand[-1] if by_hand else len(text)
    return f"{text[:last].rstrip()}\n\n{section}\n{text[last:]}".rstrip() + "\n"


def _with_row(text: str, chapter: Chapter, exercise: str) -> str:
    """A row at the end of the chapter's last table, with the next free id for what came later."""
    number = chapter.name.partition("-")[0].lstrip("0")
    found = re.search(rf"(?ms)^## {number} .*?(?=^## |\Z)", text)
    rows = re.findall(r"(?m)^\| ([A-Z]+)-\d+ \|.*\n", found[0]) if found else []
    if found is None or not rows:
        raise NotLaid(
            f"docs/coverage.md has no table for chapter {number}.", "Write its first topic's row."
        )
    letters = f"{rows[0]}N"
    free = 1 + max((int(one) for one in re.findall(rf"(?m)^\| {letters}-(\d+) ", text)), default=0)
    row = f"| {letters}-{free:02d} | {PLACEHOLDER} | exercise `{exercise}` |\n"
    last = [line.end() for line in re.finditer(r"(?m)^\| [A-Z]+-\d+ \|.*\n", found[0])][-1]
    at = found.start() + last
    return text[:at] + row + text[at:]


_TASK = '''"""$todo"""

from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class $name(Task):
    """$todo"""

    id = "$id"
    signatures = ("$id(x) -> y",)
    title, points, difficulty, minutes = "$todo", 5, 2, 5
    hints = ("$todo", "$todo", "$todo")
    CASES = (
        case("5 numbers", n=5, visible=True),
        case("one number", n=1),
        case("7 numbers in float32", n=7, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(0.5, 3.0, case["n"])}
'''

_KEY = '''"""$todo"""

from torch import Tensor

from grader.trusted.key import Key


class ${name}Key(Key, task="$id"):
    def reference(x: Tensor) -> Tensor:
        raise NotImplementedError("torch's own way to the right answer")

    def named_like_the_mistake(x):
        """$todo"""
        return x
'''

_ANSWER = """def ${id}_otherwise(x):
    raise NotImplementedError("another way that is right, too")
"""

_SECTION = '''## $id

$todo

```{code-cell} ipython3
def $id(x):
    """Return y of the same shape as x."""
    ### BEGIN SOLUTION
    raise NotImplementedError
    ### END SOLUTION
```
'''
