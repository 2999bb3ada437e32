"""Submissions that cheat, break or flood, each with the score it deserves.

A file in one of the folders is one submission. Its docstring says what it tries; then

    Earns: what it earns in the exercises named, in points; it has every point of all the others
    Told: what the instructor reads of it, one line each; `*` stands for what differs by machine
    Learner: words on the learner's page (left out where there is nothing particular to read)
    Because: why it deserves that

and the cells follow: `# %% two_path_grad_answer` is what stands in that cell, `# %% after imports`
and `# %% before imports` a cell of the learner's own there, `# %% file torch.py` a file beside the
notebook. The written answer, `# %% explain`, stands behind #. Every cell that is not mentioned
holds the right answer. What is done to a notebook as a whole is in notebooks.py.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

_HERE = Path(__file__).parent
_FIELD = re.compile(r"^(Earns|Told|Learner|Because): (.*)$")
_CELL = re.compile(r"^# %% (?:(before|after|file) )?(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Deserts:
    """What a submission deserves: points that differ from full marks, and what is said of it."""

    attempt: str
    because: str
    earns: dict[str, float] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    learner: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attack:
    """One submission, as the changes it makes to the right answers."""

    name: str
    deserts: Deserts
    answers: dict[str, str]
    own: tuple[tuple[str, str, str], ...]
    files: dict[str, str]


def deserts(text: str) -> Deserts:
    """What a docstring says a submission deserves. Raises ValueError where it does not say all."""
    about: dict[str, list[str]] = {"attempt": []}
    last = "attempt"
    for line in text.splitlines():
        found = _FIELD.match(line.strip())
        if found:
            last = found[1]
            about.setdefault(last, []).append(found[2])
        elif line.strip():
            joined = f"{about[last].pop()} {line.strip()}" if about[last] else line.strip()
            about[last].append(joined)
    if not about["attempt"] or set(about) < {"Earns", "Because"}:
        raise ValueError(f"says neither what it earns nor why: {text}")
    return Deserts(
        about["attempt"][0],
        about["Because"][0],
        _points(about["Earns"][0]),
        tuple(line for line in about.get("Told", []) if line != "nothing"),
        tuple(about.get("Learner", [])),
    )


def _points(text: str) -> dict[str, float]:
    if text in ("everything", "nothing"):
        return {} if text == "everything" else {"*": 0.0}
    pairs = (entry.rsplit(" ", 1) for entry in text.split(", "))
    return {name: float(points) for name, points in pairs}


def attack(path: Path) -> Attack:
    """One submission from its file."""
    text = path.read_text()
    head, *rest = _CELL.split(text)
    about = ast.get_docstring(ast.parse(head)) or ""
    answers, own, files = {}, [], {}
    for how, name, body in zip(*(rest[i::3] for i in range(3)), strict=True):
        source = body.strip("\n")
        if how == "file":
            files[name] = source + "\n"
        elif how:
            own.append((how, name, source))
        else:
            answers[name] = re.sub("^# ", "", source, flags=re.M) if name == "explain" else source
    return Attack(f"{path.parent.name}-{path.stem}", deserts(about), answers, tuple(own), files)


def attacks() -> dict[str, Attack]:
    """Every submission that has a file of its own, by name."""
    found = (attack(path) for path in sorted(_HERE.glob("*/*.py")))
    return {one.name: one for one in found}
