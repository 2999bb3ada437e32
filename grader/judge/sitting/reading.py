"""Reads one submission from where it lies, as a paper."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.judge.intake.form import Form
from grader.judge.intake.receipts import Receipt, read_receipt
from grader.judge.intake.repairs import repair
from grader.judge.intake.submission import Submitted, read_submission
from grader.judge.sitting.papers import Paper


@dataclass(frozen=True)
class Place:
    """Where one submission lies, and where the exchange has what it was collected from.

    `root` is the class's folder and `step` that of its submissions, both absolute: no link between
    `step` and `folder` is followed.
    """

    student: str
    assignment: str
    folder: Path
    root: Path
    step: Path
    inbound: Path

    def linked(self) -> Path | None:
        """The link that stands where the submission's folder should, or one of those above it."""
        whole = (*reversed(self.folder.parents), self.folder)
        between = [path for path in whole if self.step in path.parents]
        return next((path for path in between if path.is_symlink()), None)


def read_paper(place: Place, forms: Mapping[str, Form]) -> Paper:
    """One submission, read from its folder; nothing in it can make this fail."""
    link = place.linked()
    if link is not None:
        left_out = repair("link", found=str(link.relative_to(place.root)))
        notebooks = {name: Submitted(None, {}, (left_out,)) for name in forms}
        receipt = Receipt()
    else:
        notebooks = {name: read_submission(place.folder, form) for name, form in forms.items()}
        receipt = read_receipt(place.folder, place.inbound, place.assignment, place.student)
    digest = _digest(notebooks, receipt.files)
    return Paper(place.student, notebooks, digest, receipt.files, receipt.received, receipt.doubts)


def _digest(notebooks: Mapping[str, Submitted], receipt: Mapping[str, bytes]) -> str:
    """The submission's hash: its notebooks, the files beside them, and when it arrived."""
    whole = hashlib.sha256()
    parts = [(f"receipt/{name}", content) for name, content in receipt.items()]
    for name, submitted in notebooks.items():
        if submitted.notebook is not None:
            parts.append((f"notebook/{name}", submitted.notebook))
        parts += [(f"file/{path}", content) for path, content in submitted.files.items()]
    for name, content in sorted(dict(parts).items()):
        encoded = name.encode(errors="surrogateescape")
        whole.update(len(encoded).to_bytes(8, "big") + encoded)
        whole.update(len(content).to_bytes(8, "big") + content)
    return whole.hexdigest()
