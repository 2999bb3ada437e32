"""A matrix that has no Cholesky factor: which, and whether two of its rows are the same."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from grader.errors.explanation import Explained
from grader.errors.seen.reading import failing, source
from grader.errors.seen.reading.frames import Frames
from grader.errors.seen.reading.lookup import looked_up


def read(frames: Frames, told: Explained, message: str) -> Explained | None:
    """What the failing line factorises, by its values."""
    frame = frames.last
    for call in failing.calls(frame, "cholesky", "cholesky_ex", "MultivariateNormal"):
        name = "covariance_matrix" if failing.name_of(call) == "MultivariateNormal" else "input"
        words = [one.value for one in call.keywords if one.arg in (name, "A")]
        row = call.args[1:] if name == "covariance_matrix" else call.args
        given = next(iter([*words, *row]), None)
        value = looked_up(given, frame) if given is not None else None
        if (
            given is None
            or not isinstance(value, Tensor)
            or value.dim() != 2
            or len(set(value.shape)) != 1
        ):
            continue
        with torch.no_grad():
            said = _said(source.spelled(given), value.detach())
        return replace(told, meaning=said[0], cure=said[1], place=frame.place) if said else None
    return None


def _said(name: str, matrix: Tensor) -> tuple[str, str] | None:
    if not bool(torch.isfinite(matrix).all()):
        return (
            f"{name} holds nan or inf, which no matrix with a Cholesky factor does.",
            f"Look for where it is born: torch.isfinite of what {name} is made of, line by line.",
        )
    scale = float(matrix.abs().max())
    if float((matrix - matrix.T).abs().max()) > 1e-4 * scale:
        return (
            f"{name} is not symmetric, as a covariance is.",
            f"Look at how {name} is made; ({name} + {name}.T) / 2 makes it symmetric.",
        )
    least = float(torch.linalg.eigvalsh(matrix.double())[0])
    if (pair := _same_rows(matrix)) is not None:
        said = (
            f"The rows {pair[0]} and {pair[1]} of {name} are the same, up to rounding, as those of "
            "two inputs that are equal are: such a matrix has an eigenvalue of 0."
        )
    elif least < -1e-4 * scale:
        return (
            f"{name} has an eigenvalue of {least:.3g}, and all have to be above 0: it is no "
            "covariance.",
            f"Look at how {name} is made. A covariance is best learned as its root, L @ L.T.",
        )
    else:
        said = f"{name} has an eigenvalue of 0, up to rounding: its least is {least:.1g}."
    added = 10.0 ** _power(matrix, least, scale)
    cure = (
        f"Add noise to the diagonal, as measurements have it: {name} + {added:.0e} * "
        f"torch.eye(len({name})). In float64 less will do."
    )
    return said, cure


def _power(matrix: Tensor, least: float, scale: float) -> int:
    """The least power of 10 that makes room for rounding, tried out."""
    for power in range(-8, 0):
        eye = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        enough = 10.0**power > 10 * abs(min(least, 0.0))
        if enough and not torch.linalg.cholesky_ex(matrix + 10.0**power * eye).info.item():
            return min(power + 1, -1)
    return -1


def _same_rows(matrix: Tensor) -> tuple[int, int] | None:
    """Two rows with the same numbers, up to rounding."""
    near = torch.cdist(matrix.double(), matrix.double()) < 1e-5 * float(matrix.abs().max())
    pairs = torch.triu(near, 1).nonzero()
    return (int(pairs[0][0]), int(pairs[0][1])) if len(pairs) else None
